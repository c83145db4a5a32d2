-- +goose Up

-- Conventions: ids are given out by the store (installation.next_id). Times are
-- Unix microseconds, UTC; 0 means never. Columns that end in _sealed open only
-- with the key; columns that end in _index are keyed hashes to find them by.

CREATE TABLE installation (
  id                    INTEGER PRIMARY KEY CHECK (id = 1),
  next_id               INTEGER NOT NULL,
  key_check             BLOB    NOT NULL,
  created_at            INTEGER NOT NULL,
  recovery_confirmed_at INTEGER NOT NULL DEFAULT 0
);

-- Staff ---------------------------------------------------------------------

CREATE TABLE staff (
  id             INTEGER PRIMARY KEY,
  address_sealed BLOB    NOT NULL,
  address_index  BLOB    NOT NULL UNIQUE,
  name_sealed    BLOB    NOT NULL,
  role           TEXT    NOT NULL,
  language       TEXT    NOT NULL,
  password_hash  TEXT    NOT NULL,
  created_at     INTEGER NOT NULL,
  disabled_at    INTEGER NOT NULL DEFAULT 0,
  version        INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE session (
  token_hash TEXT    PRIMARY KEY,
  staff_id   INTEGER NOT NULL DEFAULT 0,
  data       BLOB    NOT NULL,
  expires_at INTEGER NOT NULL
);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE password_reset (
  token_hash BLOB    PRIMARY KEY,
  staff_id   INTEGER NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE audit (
  id         INTEGER PRIMARY KEY,
  at         INTEGER NOT NULL,
  actor_kind TEXT    NOT NULL,
  staff_id   INTEGER NOT NULL DEFAULT 0,
  action     TEXT    NOT NULL,
  subject    TEXT    NOT NULL,
  subject_id INTEGER NOT NULL,
  detail     TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX audit_subject ON audit (subject, subject_id, at);

-- Newsletters, projects, pages, comments -------------------------------------

CREATE TABLE newsletter (
  id                INTEGER PRIMARY KEY,
  slug              TEXT    NOT NULL UNIQUE,
  title_en          TEXT    NOT NULL,
  title_ko          TEXT    NOT NULL,
  covers_en         TEXT    NOT NULL,
  covers_ko         TEXT    NOT NULL,
  frequency_en      TEXT    NOT NULL,
  frequency_ko      TEXT    NOT NULL,
  wording_version   INTEGER NOT NULL DEFAULT 1,
  schedule          TEXT    NOT NULL,
  zone              TEXT    NOT NULL,
  welcome_at        TEXT    NOT NULL DEFAULT '20:00',
  assemble_lead     INTEGER NOT NULL,
  grace             INTEGER NOT NULL,
  sender_name_en    TEXT    NOT NULL,
  sender_name_ko    TEXT    NOT NULL,
  sender_address    TEXT    NOT NULL,
  reply_to_name_en  TEXT    NOT NULL,
  reply_to_name_ko  TEXT    NOT NULL,
  reply_to_address  TEXT    NOT NULL,
  solo_mode         INTEGER NOT NULL DEFAULT 0,
  created_at        INTEGER NOT NULL,
  version           INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE project (
  id       INTEGER PRIMARY KEY,
  slug     TEXT    NOT NULL UNIQUE,
  title_en TEXT    NOT NULL,
  title_ko TEXT    NOT NULL,
  page_url TEXT    NOT NULL DEFAULT ''
);

CREATE TABLE page (
  id          INTEGER PRIMARY KEY,
  url         TEXT    NOT NULL UNIQUE,
  title_en    TEXT    NOT NULL,
  title_ko    TEXT    NOT NULL,
  project_id  INTEGER REFERENCES project (id),
  next_number INTEGER NOT NULL DEFAULT 1,
  created_at  INTEGER NOT NULL
);

CREATE TABLE comment (
  id             INTEGER PRIMARY KEY,
  page_id        INTEGER NOT NULL REFERENCES page (id) ON DELETE CASCADE,
  parent_id      INTEGER REFERENCES comment (id) ON DELETE CASCADE,
  number         INTEGER, -- given at approval
  name_sealed    BLOB    NOT NULL,
  address_sealed BLOB    NOT NULL,
  address_index  BLOB    NOT NULL,
  body_sealed    BLOB    NOT NULL,
  language       TEXT    NOT NULL,
  state          TEXT    NOT NULL,
  staff_id       INTEGER REFERENCES staff (id),
  wants_updates  INTEGER NOT NULL DEFAULT 0,
  ip_sealed      BLOB    NOT NULL,
  ip_index       BLOB    NOT NULL,
  created_at     INTEGER NOT NULL,
  decided_at     INTEGER NOT NULL DEFAULT 0,
  decided_by     INTEGER NOT NULL DEFAULT 0,
  UNIQUE (page_id, number)
);
CREATE INDEX comment_queue ON comment (state, created_at);
CREATE INDEX comment_parent ON comment (parent_id);
CREATE INDEX comment_address ON comment (address_index, created_at);
CREATE INDEX comment_ip ON comment (ip_index, created_at);

-- Subscribers -----------------------------------------------------------------

CREATE TABLE subscriber (
  id             INTEGER PRIMARY KEY,
  address_sealed BLOB    NOT NULL,
  address_index  BLOB    NOT NULL UNIQUE,
  name_sealed    BLOB    NOT NULL,
  name_index     BLOB    NOT NULL,
  lane           BLOB    NOT NULL, -- keyed hash of the mail domain
  language       TEXT    NOT NULL,
  created_at     INTEGER NOT NULL,
  version        INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX subscriber_name ON subscriber (name_index);

CREATE TABLE subscription (
  id            INTEGER PRIMARY KEY,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  newsletter_id INTEGER NOT NULL REFERENCES newsletter (id),
  state         TEXT    NOT NULL,
  form          TEXT    NOT NULL DEFAULT 'full',
  pace          TEXT    NOT NULL DEFAULT 'weekly',
  paused_until  INTEGER NOT NULL DEFAULT 0,
  confirmed_at  INTEGER NOT NULL DEFAULT 0,
  left_at       INTEGER NOT NULL DEFAULT 0,
  welcome_at    INTEGER NOT NULL DEFAULT 0,
  version       INTEGER NOT NULL DEFAULT 1,
  UNIQUE (subscriber_id, newsletter_id)
);
CREATE INDEX subscription_audience ON subscription (newsletter_id, state, id);
CREATE INDEX subscription_welcome ON subscription (welcome_at) WHERE welcome_at > 0;

CREATE TABLE signup (
  id              INTEGER PRIMARY KEY,
  newsletter_id   INTEGER NOT NULL REFERENCES newsletter (id),
  source          TEXT    NOT NULL,
  state           TEXT    NOT NULL,
  name_sealed     BLOB    NOT NULL,
  address_sealed  BLOB    NOT NULL,
  address_index   BLOB    NOT NULL,
  language        TEXT    NOT NULL,
  page_url        TEXT    NOT NULL DEFAULT '',
  comment_id      INTEGER REFERENCES comment (id) ON DELETE SET NULL,
  staff_id        INTEGER REFERENCES staff (id),
  evidence_sealed BLOB    NOT NULL,
  wording         TEXT    NOT NULL,
  wording_version INTEGER NOT NULL,
  ip_sealed       BLOB    NOT NULL,
  created_at      INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  confirmed_at    INTEGER NOT NULL DEFAULT 0,
  subscriber_id   INTEGER REFERENCES subscriber (id) ON DELETE SET NULL,
  mails           INTEGER NOT NULL DEFAULT 0, -- confirmation mails lately
  mailed_at       INTEGER NOT NULL DEFAULT 0  -- the last of them
);
CREATE INDEX signup_queue ON signup (state, created_at);
CREATE INDEX signup_address ON signup (address_index, newsletter_id, state);
-- However often someone asks, one request waits for them.
CREATE UNIQUE INDEX signup_pending ON signup (address_index, newsletter_id) WHERE state = 'pending';

-- How many mails an address got lately because somebody typed it into a form.
CREATE TABLE mail_limit (
  address_index BLOB    PRIMARY KEY,
  since         INTEGER NOT NULL,
  mails         INTEGER NOT NULL
);

CREATE TABLE consent (
  id              INTEGER PRIMARY KEY,
  subscriber_id   INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  newsletter_id   INTEGER NOT NULL REFERENCES newsletter (id),
  signup_id       INTEGER REFERENCES signup (id) ON DELETE SET NULL,
  source          TEXT    NOT NULL,
  asked_at        INTEGER NOT NULL,
  given_at        INTEGER NOT NULL,
  page_url        TEXT    NOT NULL DEFAULT '',
  wording         TEXT    NOT NULL,
  wording_version INTEGER NOT NULL,
  language        TEXT    NOT NULL,
  ip_sealed       BLOB    NOT NULL,
  evidence_sealed BLOB    NOT NULL,
  staff_id        INTEGER REFERENCES staff (id)
);
CREATE INDEX consent_subscriber ON consent (subscriber_id, newsletter_id);

-- Kept by address index alone, so that it outlives the subscriber.
CREATE TABLE suppression (
  address_index BLOB    PRIMARY KEY,
  index_version INTEGER NOT NULL,
  reason        TEXT    NOT NULL,
  beneath       TEXT    NOT NULL DEFAULT '', -- the reason that stays when staff lift theirs
  seq           INTEGER NOT NULL UNIQUE, -- an id, for polling
  created_at    INTEGER NOT NULL
);

CREATE TABLE event (
  id            INTEGER PRIMARY KEY,
  at            INTEGER NOT NULL,
  kind          TEXT    NOT NULL,
  way           TEXT    NOT NULL,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  newsletter_id INTEGER NOT NULL,
  issue_id      INTEGER NOT NULL DEFAULT 0,
  reason_sealed BLOB    NOT NULL
);
CREATE INDEX event_subscriber ON event (subscriber_id, at);
CREATE INDEX event_issue ON event (issue_id, kind);

-- The pool --------------------------------------------------------------------

CREATE TABLE letter (
  id         INTEGER PRIMARY KEY,
  title_en   TEXT    NOT NULL,
  title_ko   TEXT    NOT NULL,
  body_en    TEXT    NOT NULL,
  body_ko    TEXT    NOT NULL,
  signatures TEXT    NOT NULL DEFAULT '[]', -- JSON array of {en, ko}
  state      TEXT    NOT NULL,
  created_by INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE link (
  id           INTEGER PRIMARY KEY,
  url          TEXT    NOT NULL UNIQUE,
  title_en     TEXT    NOT NULL,
  title_ko     TEXT    NOT NULL,
  summary_en   TEXT    NOT NULL,
  summary_ko   TEXT    NOT NULL,
  publisher    TEXT    NOT NULL,
  published_on TEXT    NOT NULL,
  note         TEXT    NOT NULL DEFAULT '',
  state        TEXT    NOT NULL,
  submitted_by INTEGER NOT NULL DEFAULT 0,
  submitted_at INTEGER NOT NULL,
  decided_by   INTEGER NOT NULL DEFAULT 0,
  decided_at   INTEGER NOT NULL DEFAULT 0,
  solo         INTEGER NOT NULL DEFAULT 0,
  reason       TEXT    NOT NULL DEFAULT '', -- why it was rejected
  version      INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX link_state ON link (state, submitted_at);

CREATE TABLE prayer (
  id          INTEGER PRIMARY KEY,
  project_id  INTEGER REFERENCES project (id),
  link_id     INTEGER REFERENCES link (id),
  headline_en TEXT    NOT NULL,
  headline_ko TEXT    NOT NULL,
  body_en     TEXT    NOT NULL,
  body_ko     TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  expires_at  INTEGER NOT NULL DEFAULT 0,
  created_by  INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  version     INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX prayer_state ON prayer (state, created_at);

CREATE TABLE question (
  id         INTEGER PRIMARY KEY,
  text_en    TEXT    NOT NULL,
  text_ko    TEXT    NOT NULL,
  url_en     TEXT    NOT NULL,
  url_ko     TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE video (
  id         INTEGER PRIMARY KEY,
  title_en   TEXT    NOT NULL,
  title_ko   TEXT    NOT NULL,
  body_en    TEXT    NOT NULL,
  body_ko    TEXT    NOT NULL,
  url        TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 1
);

-- Issues, deliveries, notices, slots -------------------------------------------

CREATE TABLE issue (
  id                INTEGER PRIMARY KEY,
  newsletter_id     INTEGER NOT NULL REFERENCES newsletter (id),
  number            INTEGER NOT NULL,
  state             TEXT    NOT NULL,
  send_at           INTEGER NOT NULL DEFAULT 0,
  content           TEXT    NOT NULL, -- epistle.Content as JSON
  edited_by         INTEGER NOT NULL DEFAULT 0,
  edited_at         INTEGER NOT NULL,
  approved_by       INTEGER NOT NULL DEFAULT 0,
  approved_at       INTEGER NOT NULL DEFAULT 0,
  approved_digest   TEXT    NOT NULL DEFAULT '',
  approved_audience INTEGER NOT NULL DEFAULT 0,
  tolerance         INTEGER NOT NULL DEFAULT 0,
  held_reason       TEXT    NOT NULL DEFAULT '',
  launched_at       INTEGER NOT NULL DEFAULT 0,
  finished_at       INTEGER NOT NULL DEFAULT 0,
  created_at        INTEGER NOT NULL,
  version           INTEGER NOT NULL DEFAULT 1,
  UNIQUE (newsletter_id, number)
);
CREATE INDEX issue_state ON issue (state, send_at);
-- One issue a slot, whoever assembles it.
CREATE UNIQUE INDEX issue_slot ON issue (newsletter_id, send_at) WHERE send_at > 0;

-- Which pool items an issue shows; kept in step with content.
CREATE TABLE issue_item (
  issue_id INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  kind     TEXT    NOT NULL,
  item_id  INTEGER NOT NULL,
  PRIMARY KEY (issue_id, kind, item_id)
);
CREATE INDEX issue_item_item ON issue_item (kind, item_id);

CREATE TABLE delivery (
  issue_id      INTEGER  NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  seq           INTEGER  NOT NULL,
  subscriber_id INTEGER  NOT NULL,
  lane          BLOB     NOT NULL,
  kind          SMALLINT NOT NULL DEFAULT 0,
  state         SMALLINT NOT NULL DEFAULT 0,
  attempts      SMALLINT NOT NULL DEFAULT 0,
  code          SMALLINT NOT NULL DEFAULT 0,
  status        TEXT     NOT NULL DEFAULT '',
  first_at      INTEGER  NOT NULL DEFAULT 0, -- the Date of a welcome; 0: the launch
  next_at       INTEGER  NOT NULL DEFAULT 0,
  updated_at    INTEGER  NOT NULL DEFAULT 0,
  PRIMARY KEY (issue_id, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX delivery_subscriber ON delivery (issue_id, subscriber_id);
CREATE INDEX delivery_due ON delivery (next_at) WHERE next_at > 0;

-- The fence, the next range and the slots of the connections that send an
-- issue: one row an issue.
CREATE TABLE sender (
  issue_id    INTEGER PRIMARY KEY REFERENCES issue (id) ON DELETE CASCADE,
  fence       INTEGER NOT NULL DEFAULT 0,
  owner       TEXT    NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,
  next_seq    INTEGER NOT NULL DEFAULT 1,
  last_seq    INTEGER NOT NULL DEFAULT 0, -- the highest seq of a bulk delivery so far
  cutoff_id   INTEGER NOT NULL DEFAULT 0, -- the highest subscription at launch
  through_id  INTEGER NOT NULL DEFAULT 0, -- launched up to this subscription
  slots       BLOB    NOT NULL            -- packed [first, last, done] of each connection
);

CREATE TABLE notice (
  id             INTEGER PRIMARY KEY,
  kind           TEXT    NOT NULL,
  dedup_key      TEXT    NOT NULL UNIQUE,
  address_sealed BLOB    NOT NULL,
  language       TEXT    NOT NULL,
  data_sealed    BLOB    NOT NULL, -- JSON object
  state          TEXT    NOT NULL,
  attempts       INTEGER NOT NULL DEFAULT 0,
  code           INTEGER NOT NULL DEFAULT 0,
  status         TEXT    NOT NULL DEFAULT '',
  owner          TEXT    NOT NULL DEFAULT '',
  lease_until    INTEGER NOT NULL DEFAULT 0,
  next_at        INTEGER NOT NULL,
  created_at     INTEGER NOT NULL
);
CREATE INDEX notice_due ON notice (next_at) WHERE state = 'queued';

CREATE TABLE slot (
  id          INTEGER PRIMARY KEY,
  series      TEXT    NOT NULL,
  label       TEXT    NOT NULL,
  at          INTEGER NOT NULL,
  state       TEXT    NOT NULL,
  owner       TEXT    NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,
  finished_at INTEGER NOT NULL DEFAULT 0,
  UNIQUE (series, label)
);
CREATE INDEX slot_state ON slot (state, at);

-- What each series was last seen to be, and since when.
CREATE TABLE series (
  key        TEXT    PRIMARY KEY,
  expression TEXT    NOT NULL,
  since      INTEGER NOT NULL
);

-- +goose Down
