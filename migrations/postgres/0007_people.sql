-- +goose Up

-- What a newsletter asks of consent, besides the confirmation itself.
ALTER TABLE newsletter ADD COLUMN separate_consent BIGINT NOT NULL DEFAULT 0; -- a tick of its own for data that show a religious interest
ALTER TABLE newsletter ADD COLUMN renew_consent    BIGINT NOT NULL DEFAULT 0; -- brought to mind every two years

ALTER TABLE signup ADD COLUMN reminded_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signup ADD COLUMN refused_at  BIGINT NOT NULL DEFAULT 0;
CREATE INDEX signup_reminder ON signup (created_at) WHERE state = 'pending' AND reminded_at = 0;

-- The separate sentence, as it was agreed to; empty if none was asked for.
ALTER TABLE consent ADD COLUMN belief_wording TEXT NOT NULL DEFAULT '';

-- When the person was last reminded of their consent, or gave it again.
ALTER TABLE subscription ADD COLUMN renewed_at BIGINT NOT NULL DEFAULT 0;

-- Sites whose commenters staff may sign up at once.
CREATE TABLE signup_site (
  host        TEXT    PRIMARY KEY,
  sign_up_now BIGINT  NOT NULL DEFAULT 0
);

CREATE TABLE subscriber_note (
  id            BIGINT  PRIMARY KEY,
  subscriber_id BIGINT  NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  staff_id      BIGINT  NOT NULL DEFAULT 0,
  text_sealed   BYTEA   NOT NULL,
  created_at    BIGINT  NOT NULL
);
CREATE INDEX subscriber_note_subscriber ON subscriber_note (subscriber_id, id);

-- An import at the desk: what its rows come to, and how far it is.
CREATE TABLE import_run (
  id              BIGINT  PRIMARY KEY,
  newsletter_id   BIGINT  NOT NULL REFERENCES newsletter (id),
  staff_id        BIGINT  NOT NULL DEFAULT 0,
  mode            TEXT    NOT NULL,
  language        TEXT    NOT NULL DEFAULT '',
  source_sealed   BYTEA   NOT NULL,
  state           TEXT    NOT NULL,
  size            BIGINT  NOT NULL DEFAULT 0, -- of the file, in bytes
  done            BIGINT  NOT NULL DEFAULT 0, -- of these, read so far
  line_count      BIGINT  NOT NULL DEFAULT 0,
  added           BIGINT  NOT NULL DEFAULT 0,
  already         BIGINT  NOT NULL DEFAULT 0,
  left_kept       BIGINT  NOT NULL DEFAULT 0,
  suppressed_kept BIGINT  NOT NULL DEFAULT 0,
  errors          BIGINT  NOT NULL DEFAULT 0,
  problems        TEXT    NOT NULL DEFAULT '[]', -- JSON array of {line, message}; nothing of what stood in the rows
  created_at      BIGINT  NOT NULL,
  updated_at      BIGINT  NOT NULL
);

-- +goose Down
