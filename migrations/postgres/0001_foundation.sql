-- +goose Up

-- Conventions: ids are given out by the store (installation.next_id). Times are
-- Unix microseconds, UTC; 0 means never. Columns that end in _sealed open only
-- with the key; columns that end in _index are keyed hashes to find them by.

CREATE TABLE installation (
  id                    BIGINT  PRIMARY KEY CHECK (id = 1),
  next_id               BIGINT  NOT NULL,
  key_check             BYTEA   NOT NULL,
  created_at            BIGINT  NOT NULL,
  recovery_confirmed_at BIGINT  NOT NULL DEFAULT 0
);

-- Staff ---------------------------------------------------------------------

CREATE TABLE staff (
  id             BIGINT  PRIMARY KEY,
  address_sealed BYTEA   NOT NULL,
  address_index  BYTEA   NOT NULL UNIQUE,
  name_sealed    BYTEA   NOT NULL,
  role           TEXT    NOT NULL,
  language       TEXT    NOT NULL,
  password_hash  TEXT    NOT NULL,
  created_at     BIGINT  NOT NULL,
  disabled_at    BIGINT  NOT NULL DEFAULT 0,
  version        BIGINT  NOT NULL DEFAULT 1
);

CREATE TABLE session (
  token_hash TEXT    PRIMARY KEY,
  staff_id   BIGINT  NOT NULL DEFAULT 0,
  data       BYTEA   NOT NULL,
  expires_at BIGINT  NOT NULL
);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE password_reset (
  token_hash BYTEA   PRIMARY KEY,
  staff_id   BIGINT  NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
  expires_at BIGINT  NOT NULL,
  used_at    BIGINT  NOT NULL DEFAULT 0
);

CREATE TABLE audit (
  id         BIGINT  PRIMARY KEY,
  at         BIGINT  NOT NULL,
  actor_kind TEXT    NOT NULL,
  staff_id   BIGINT  NOT NULL DEFAULT 0,
  action     TEXT    NOT NULL,
  subject    TEXT    NOT NULL,
  subject_id BIGINT  NOT NULL,
  detail     TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX audit_subject ON audit (subject, subject_id, at);

-- Newsletters, projects, pages, comments -------------------------------------

CREATE TABLE newsletter (
  id                BIGINT  PRIMARY KEY,
  slug              TEXT    NOT NULL UNIQUE,
  title_en          TEXT    NOT NULL,
  title_ko          TEXT    NOT NULL,
  covers_en         TEXT    NOT NULL,
  covers_ko         TEXT    NOT NULL,
  frequency_en      TEXT    NOT NULL,
  frequency_ko      TEXT    NOT NULL,
  wording_version   BIGINT  NOT NULL DEFAULT 1,
  schedule          TEXT    NOT NULL,
  zone              TEXT    NOT NULL,
  welcome_at        TEXT    NOT NULL DEFAULT '20:00',
  assemble_lead     BIGINT  NOT NULL,
  grace             BIGINT  NOT NULL,
  sender_name_en    TEXT    NOT NULL,
  sender_name_ko    TEXT    NOT NULL,
  sender_address    TEXT    NOT NULL,
  reply_to_name_en  TEXT    NOT NULL,
  reply_to_name_ko  TEXT    NOT NULL,
  reply_to_address  TEXT    NOT NULL,
  solo_mode         BIGINT  NOT NULL DEFAULT 0,
  created_at        BIGINT  NOT NULL,
  version           BIGINT  NOT NULL DEFAULT 1
);

CREATE TABLE project (
  id       BIGINT  PRIMARY KEY,
  slug     TEXT    NOT NULL UNIQUE,
  title_en TEXT    NOT NULL,
  title_ko TEXT    NOT NULL,
  page_url TEXT    NOT NULL DEFAULT ''
);

CREATE TABLE page (
  id          BIGINT  PRIMARY KEY,
  url         TEXT    NOT NULL UNIQUE,
  title_en    TEXT    NOT NULL,
  title_ko    TEXT    NOT NULL,
  project_id  BIGINT  REFERENCES project (id),
  next_number BIGINT  NOT NULL DEFAULT 1,
  created_at  BIGINT  NOT NULL
);

CREATE TABLE comment (
  id             BIGINT  PRIMARY KEY,
  page_id        BIGINT  NOT NULL REFERENCES page (id) ON DELETE CASCADE,
  parent_id      BIGINT  REFERENCES comment (id) ON DELETE CASCADE,
  number         BIGINT, -- given at approval
  name_sealed    BYTEA   NOT NULL,
  address_sealed BYTEA   NOT NULL,
  address_index  BYTEA   NOT NULL,
  body_sealed    BYTEA   NOT NULL,
  language       TEXT    NOT NULL,
  state          TEXT    NOT NULL,
  staff_id       BIGINT  REFERENCES staff (id),
  wants_updates  BIGINT  NOT NULL DEFAULT 0,
  ip_sealed      BYTEA   NOT NULL,
  ip_index       BYTEA   NOT NULL,
  created_at     BIGINT  NOT NULL,
  decided_at     BIGINT  NOT NULL DEFAULT 0,
  decided_by     BIGINT  NOT NULL DEFAULT 0,
  UNIQUE (page_id, number)
);
CREATE INDEX comment_queue ON comment (state, created_at);
CREATE INDEX comment_parent ON comment (parent_id);
CREATE INDEX comment_address ON comment (address_index, created_at);
CREATE INDEX comment_ip ON comment (ip_index, created_at);

-- Subscribers -----------------------------------------------------------------

CREATE TABLE subscriber (
  id             BIGINT  PRIMARY KEY,
  address_sealed BYTEA   NOT NULL,
  address_index  BYTEA   NOT NULL UNIQUE,
  name_sealed    BYTEA   NOT NULL,
  name_index     BYTEA   NOT NULL,
  lane           BYTEA   NOT NULL, -- keyed hash of the mail domain
  language       TEXT    NOT NULL,
  created_at     BIGINT  NOT NULL,
  version        BIGINT  NOT NULL DEFAULT 1
);
CREATE INDEX subscriber_name ON subscriber (name_index);

CREATE TABLE subscription (
  id            BIGINT  PRIMARY KEY,
  subscriber_id BIGINT  NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  newsletter_id BIGINT  NOT NULL REFERENCES newsletter (id),
  state         TEXT    NOT NULL,
  form          TEXT    NOT NULL DEFAULT 'full',
  pace          TEXT    NOT NULL DEFAULT 'weekly',
  paused_until  BIGINT  NOT NULL DEFAULT 0,
  confirmed_at  BIGINT  NOT NULL DEFAULT 0,
  left_at       BIGINT  NOT NULL DEFAULT 0,
  welcome_at    BIGINT  NOT NULL DEFAULT 0,
  version       BIGINT  NOT NULL DEFAULT 1,
  UNIQUE (subscriber_id, newsletter_id)
);
CREATE INDEX subscription_audience ON subscription (newsletter_id, state, id);
CREATE INDEX subscription_welcome ON subscription (welcome_at) WHERE welcome_at > 0;

CREATE TABLE signup (
  id              BIGINT  PRIMARY KEY,
  newsletter_id   BIGINT  NOT NULL REFERENCES newsletter (id),
  source          TEXT    NOT NULL,
  state           TEXT    NOT NULL,
  name_sealed     BYTEA   NOT NULL,
  address_sealed  BYTEA   NOT NULL,
  address_index   BYTEA   NOT NULL,
  language        TEXT    NOT NULL,
  page_url        TEXT    NOT NULL DEFAULT '',
  comment_id      BIGINT  REFERENCES comment (id) ON DELETE SET NULL,
  staff_id        BIGINT  REFERENCES staff (id),
  evidence_sealed BYTEA   NOT NULL,
  wording         TEXT    NOT NULL,
  wording_version BIGINT  NOT NULL,
  ip_sealed       BYTEA   NOT NULL,
  created_at      BIGINT  NOT NULL,
  expires_at      BIGINT  NOT NULL,
  confirmed_at    BIGINT  NOT NULL DEFAULT 0,
  subscriber_id   BIGINT  REFERENCES subscriber (id) ON DELETE SET NULL,
  mails           BIGINT  NOT NULL DEFAULT 0, -- confirmation mails lately
  mailed_at       BIGINT  NOT NULL DEFAULT 0  -- the last of them
);
CREATE INDEX signup_queue ON signup (state, created_at);
CREATE INDEX signup_address ON signup (address_index, newsletter_id, state);
-- However often someone asks, one request waits for them.
CREATE UNIQUE INDEX signup_pending ON signup (address_index, newsletter_id) WHERE state = 'pending';

-- How many mails an address got lately because somebody typed it into a form.
CREATE TABLE mail_limit (
  address_index BYTEA   PRIMARY KEY,
  since         BIGINT  NOT NULL,
  mails         BIGINT  NOT NULL
);

CREATE TABLE consent (
  id              BIGINT  PRIMARY KEY,
  subscriber_id   BIGINT  NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  newsletter_id   BIGINT  NOT NULL REFERENCES newsletter (id),
  signup_id       BIGINT  REFERENCES signup (id) ON DELETE SET NULL,
  source          TEXT    NOT NULL,
  asked_at        BIGINT  NOT NULL,
  given_at        BIGINT  NOT NULL,
  page_url        TEXT    NOT NULL DEFAULT '',
  wording         TEXT    NOT NULL,
  wording_version BIGINT  NOT NULL,
  language        TEXT    NOT NULL,
  ip_sealed       BYTEA   NOT NULL,
  evidence_sealed BYTEA   NOT NULL,
  staff_id        BIGINT  REFERENCES staff (id)
);
CREATE INDEX consent_subscriber ON consent (subscriber_id, newsletter_id);

-- Kept by address index alone, so that it outlives the subscriber.
CREATE TABLE suppression (
  address_index BYTEA   PRIMARY KEY,
  index_version BIGINT  NOT NULL,
  reason        TEXT    NOT NULL,
  beneath       TEXT    NOT NULL DEFAULT '', -- the reason that stays when staff lift theirs
  seq           BIGINT  NOT NULL UNIQUE, -- an id, for polling
  created_at    BIGINT  NOT NULL
);

CREATE TABLE event (
  id            BIGINT  PRIMARY KEY,
  at            BIGINT  NOT NULL,
  kind          TEXT    NOT NULL,
  way           TEXT    NOT NULL,
  subscriber_id BIGINT  NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  newsletter_id BIGINT  NOT NULL,
  issue_id      BIGINT  NOT NULL DEFAULT 0,
  reason_sealed BYTEA   NOT NULL
);
CREATE INDEX event_subscriber ON event (subscriber_id, at);
CREATE INDEX event_issue ON event (issue_id, kind);

-- The pool --------------------------------------------------------------------

CREATE TABLE letter (
  id         BIGINT  PRIMARY KEY,
  title_en   TEXT    NOT NULL,
  title_ko   TEXT    NOT NULL,
  body_en    TEXT    NOT NULL,
  body_ko    TEXT    NOT NULL,
  signatures TEXT    NOT NULL DEFAULT '[]', -- JSON array of {en, ko}
  state      TEXT    NOT NULL,
  created_by BIGINT  NOT NULL DEFAULT 0,
  created_at BIGINT  NOT NULL,
  version    BIGINT  NOT NULL DEFAULT 1
);

CREATE TABLE link (
  id           BIGINT  PRIMARY KEY,
  url          TEXT    NOT NULL UNIQUE,
  title_en     TEXT    NOT NULL,
  title_ko     TEXT    NOT NULL,
  summary_en   TEXT    NOT NULL,
  summary_ko   TEXT    NOT NULL,
  publisher    TEXT    NOT NULL,
  published_on TEXT    NOT NULL,
  note         TEXT    NOT NULL DEFAULT '',
  state        TEXT    NOT NULL,
  submitted_by BIGINT  NOT NULL DEFAULT 0,
  submitted_at BIGINT  NOT NULL,
  decided_by   BIGINT  NOT NULL DEFAULT 0,
  decided_at   BIGINT  NOT NULL DEFAULT 0,
  solo         BIGINT  NOT NULL DEFAULT 0,
  reason       TEXT    NOT NULL DEFAULT '', -- why it was rejected
  version      BIGINT  NOT NULL DEFAULT 1
);
CREATE INDEX link_state ON link (state, submitted_at);

CREATE TABLE prayer (
  id          BIGINT  PRIMARY KEY,
  project_id  BIGINT  REFERENCES project (id),
  link_id     BIGINT  REFERENCES link (id),
  headline_en TEXT    NOT NULL,
  headline_ko TEXT    NOT NULL,
  body_en     TEXT    NOT NULL,
  body_ko     TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  expires_at  BIGINT  NOT NULL DEFAULT 0,
  created_by  BIGINT  NOT NULL DEFAULT 0,
  created_at  BIGINT  NOT NULL,
  version     BIGINT  NOT NULL DEFAULT 1
);
CREATE INDEX prayer_state ON prayer (state, created_at);

CREATE TABLE question (
  id         BIGINT  PRIMARY KEY,
  text_en    TEXT    NOT NULL,
  text_ko    TEXT    NOT NULL,
  url_en     TEXT    NOT NULL,
  url_ko     TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  created_at BIGINT  NOT NULL,
  version    BIGINT  NOT NULL DEFAULT 1
);

CREATE TABLE video (
  id         BIGINT  PRIMARY KEY,
  title_en   TEXT    NOT NULL,
  title_ko   TEXT    NOT NULL,
  body_en    TEXT    NOT NULL,
  body_ko    TEXT    NOT NULL,
  url        TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  created_at BIGINT  NOT NULL,
  version    BIGINT  NOT NULL DEFAULT 1
);

-- Issues, deliveries, notices, slots -------------------------------------------

CREATE TABLE issue (
  id                BIGINT  PRIMARY KEY,
  newsletter_id     BIGINT  NOT NULL REFERENCES newsletter (id),
  number            BIGINT  NOT NULL,
  state             TEXT    NOT NULL,
  send_at           BIGINT  NOT NULL DEFAULT 0,
  content           TEXT    NOT NULL, -- epistle.Content as JSON
  edited_by         BIGINT  NOT NULL DEFAULT 0,
  edited_at         BIGINT  NOT NULL,
  approved_by       BIGINT  NOT NULL DEFAULT 0,
  approved_at       BIGINT  NOT NULL DEFAULT 0,
  approved_digest   TEXT    NOT NULL DEFAULT '',
  approved_audience BIGINT  NOT NULL DEFAULT 0,
  tolerance         BIGINT  NOT NULL DEFAULT 0,
  held_reason       TEXT    NOT NULL DEFAULT '',
  launched_at       BIGINT  NOT NULL DEFAULT 0,
  finished_at       BIGINT  NOT NULL DEFAULT 0,
  created_at        BIGINT  NOT NULL,
  version           BIGINT  NOT NULL DEFAULT 1,
  UNIQUE (newsletter_id, number)
);
CREATE INDEX issue_state ON issue (state, send_at);
-- One issue a slot, whoever assembles it.
CREATE UNIQUE INDEX issue_slot ON issue (newsletter_id, send_at) WHERE send_at > 0;

-- Which pool items an issue shows; kept in step with content.
CREATE TABLE issue_item (
  issue_id BIGINT  NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  kind     TEXT    NOT NULL,
  item_id  BIGINT  NOT NULL,
  PRIMARY KEY (issue_id, kind, item_id)
);
CREATE INDEX issue_item_item ON issue_item (kind, item_id);

CREATE TABLE delivery (
  issue_id      BIGINT   NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  seq           BIGINT   NOT NULL,
  subscriber_id BIGINT   NOT NULL,
  lane          BYTEA    NOT NULL,
  kind          SMALLINT NOT NULL DEFAULT 0,
  state         SMALLINT NOT NULL DEFAULT 0,
  attempts      SMALLINT NOT NULL DEFAULT 0,
  code          SMALLINT NOT NULL DEFAULT 0,
  status        TEXT     NOT NULL DEFAULT '',
  first_at      BIGINT   NOT NULL DEFAULT 0, -- the Date of a welcome; 0: the launch
  next_at       BIGINT   NOT NULL DEFAULT 0,
  updated_at    BIGINT   NOT NULL DEFAULT 0,
  PRIMARY KEY (issue_id, seq)
);
CREATE UNIQUE INDEX delivery_subscriber ON delivery (issue_id, subscriber_id);
CREATE INDEX delivery_due ON delivery (next_at) WHERE next_at > 0;

-- The fence, the next range and the slots of the connections that send an
-- issue: one row an issue.
CREATE TABLE sender (
  issue_id    BIGINT  PRIMARY KEY REFERENCES issue (id) ON DELETE CASCADE,
  fence       BIGINT  NOT NULL DEFAULT 0,
  owner       TEXT    NOT NULL DEFAULT '',
  lease_until BIGINT  NOT NULL DEFAULT 0,
  next_seq    BIGINT  NOT NULL DEFAULT 1,
  last_seq    BIGINT  NOT NULL DEFAULT 0, -- the highest seq of a bulk delivery so far
  cutoff_id   BIGINT  NOT NULL DEFAULT 0, -- the highest subscription at launch
  through_id  BIGINT  NOT NULL DEFAULT 0, -- launched up to this subscription
  slots       BYTEA   NOT NULL            -- packed [first, last, done] of each connection
);

CREATE TABLE notice (
  id             BIGINT  PRIMARY KEY,
  kind           TEXT    NOT NULL,
  dedup_key      TEXT    NOT NULL UNIQUE,
  address_sealed BYTEA   NOT NULL,
  language       TEXT    NOT NULL,
  data_sealed    BYTEA   NOT NULL, -- JSON object
  state          TEXT    NOT NULL,
  attempts       BIGINT  NOT NULL DEFAULT 0,
  code           BIGINT  NOT NULL DEFAULT 0,
  status         TEXT    NOT NULL DEFAULT '',
  owner          TEXT    NOT NULL DEFAULT '',
  lease_until    BIGINT  NOT NULL DEFAULT 0,
  next_at        BIGINT  NOT NULL,
  created_at     BIGINT  NOT NULL
);
CREATE INDEX notice_due ON notice (next_at) WHERE state = 'queued';

CREATE TABLE slot (
  id          BIGINT  PRIMARY KEY,
  series      TEXT    NOT NULL,
  label       TEXT    NOT NULL,
  at          BIGINT  NOT NULL,
  state       TEXT    NOT NULL,
  owner       TEXT    NOT NULL DEFAULT '',
  lease_until BIGINT  NOT NULL DEFAULT 0,
  finished_at BIGINT  NOT NULL DEFAULT 0,
  UNIQUE (series, label)
);
CREATE INDEX slot_state ON slot (state, at);

-- What each series was last seen to be, and since when.
CREATE TABLE series (
  key        TEXT    PRIMARY KEY,
  expression TEXT    NOT NULL,
  since      BIGINT  NOT NULL
);

-- +goose Down
