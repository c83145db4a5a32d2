-- +goose Up

-- What a newsletter asks of consent, besides the confirmation itself.
ALTER TABLE newsletter ADD COLUMN separate_consent INTEGER NOT NULL DEFAULT 0; -- a tick of its own for data that show a religious interest
ALTER TABLE newsletter ADD COLUMN renew_consent    INTEGER NOT NULL DEFAULT 0; -- brought to mind every two years

ALTER TABLE signup ADD COLUMN reminded_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE signup ADD COLUMN refused_at  INTEGER NOT NULL DEFAULT 0;
CREATE INDEX signup_reminder ON signup (created_at) WHERE state = 'pending' AND reminded_at = 0;

-- The separate sentence, as it was agreed to; empty if none was asked for.
ALTER TABLE consent ADD COLUMN belief_wording TEXT NOT NULL DEFAULT '';

-- When the person was last reminded of their consent, or gave it again.
ALTER TABLE subscription ADD COLUMN renewed_at INTEGER NOT NULL DEFAULT 0;

-- Sites whose commenters staff may sign up at once.
CREATE TABLE signup_site (
  host        TEXT    PRIMARY KEY,
  sign_up_now INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE subscriber_note (
  id            INTEGER PRIMARY KEY,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  staff_id      INTEGER NOT NULL DEFAULT 0,
  text_sealed   BLOB    NOT NULL,
  created_at    INTEGER NOT NULL
);
CREATE INDEX subscriber_note_subscriber ON subscriber_note (subscriber_id, id);

-- An import at the desk: what its rows come to, and how far it is.
CREATE TABLE import_run (
  id              INTEGER PRIMARY KEY,
  newsletter_id   INTEGER NOT NULL REFERENCES newsletter (id),
  staff_id        INTEGER NOT NULL DEFAULT 0,
  mode            TEXT    NOT NULL,
  language        TEXT    NOT NULL DEFAULT '',
  source_sealed   BLOB    NOT NULL,
  state           TEXT    NOT NULL,
  size            INTEGER NOT NULL DEFAULT 0, -- of the file, in bytes
  done            INTEGER NOT NULL DEFAULT 0, -- of these, read so far
  line_count      INTEGER NOT NULL DEFAULT 0,
  added           INTEGER NOT NULL DEFAULT 0,
  already         INTEGER NOT NULL DEFAULT 0,
  left_kept       INTEGER NOT NULL DEFAULT 0,
  suppressed_kept INTEGER NOT NULL DEFAULT 0,
  errors          INTEGER NOT NULL DEFAULT 0,
  problems        TEXT    NOT NULL DEFAULT '[]', -- JSON array of {line, message}; nothing of what stood in the rows
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL
);

-- +goose Down
