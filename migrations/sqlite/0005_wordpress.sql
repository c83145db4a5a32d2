-- +goose Up

-- Where a comment was written ("form", "wordpress", "import"), and its page as
-- it was then: its title, and a SHA-256 of its text.
ALTER TABLE comment ADD COLUMN origin TEXT NOT NULL DEFAULT 'form';
ALTER TABLE comment ADD COLUMN page_title TEXT NOT NULL DEFAULT '';
ALTER TABLE comment ADD COLUMN page_digest TEXT NOT NULL DEFAULT '';

-- A WordPress site whose comments come here.
CREATE TABLE site (
  id                INTEGER PRIMARY KEY,
  slug              TEXT    NOT NULL UNIQUE,
  url               TEXT    NOT NULL UNIQUE,
  secret_sealed     BLOB    NOT NULL, -- signs the hook's messages
  old_secret_sealed BLOB    NOT NULL, -- counts too while the site changes to the new one
  user_sealed       BLOB    NOT NULL, -- of an Editor, to read comments with
  password_sealed   BLOB    NOT NULL, -- an application password
  wording_version   INTEGER NOT NULL DEFAULT 0, -- that the box there showed last
  hooked_at         INTEGER NOT NULL DEFAULT 0, -- the last message of the hook
  polled_at         INTEGER NOT NULL DEFAULT 0, -- the last complete look
  poll_after        INTEGER NOT NULL DEFAULT 0, -- no look before that
  failures          INTEGER NOT NULL DEFAULT 0, -- looks that failed since
  problem           TEXT    NOT NULL DEFAULT '',
  newest            INTEGER NOT NULL DEFAULT 0, -- every comment up to this one is known
  swept             INTEGER NOT NULL DEFAULT 0, -- how far known ones were looked at again
  created_at        INTEGER NOT NULL,
  version           INTEGER NOT NULL DEFAULT 1
);

-- What a site calls a comment, and how it told of it last. A comment that was
-- deleted there keeps its row, so that no late message brings it back.
CREATE TABLE comment_source (
  site_id          INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
  source_id        INTEGER NOT NULL,
  comment_id       INTEGER UNIQUE REFERENCES comment (id) ON DELETE SET NULL,
  parent_source_id INTEGER NOT NULL DEFAULT 0,
  state            TEXT    NOT NULL,
  content_index    BLOB    NOT NULL, -- keyed hash of all that the site told
  told_at          INTEGER NOT NULL DEFAULT 0, -- by the site's clock
  asked_at         INTEGER NOT NULL DEFAULT 0, -- when the ticked box led to its mail
  asking_until     INTEGER NOT NULL DEFAULT 0, -- somebody is about to
  deleted_at       INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (site_id, source_id)
);
CREATE INDEX comment_source_parent ON comment_source (site_id, parent_source_id) WHERE parent_source_id > 0;

-- Messages of hooks that were dealt with, so that none counts twice.
CREATE TABLE hook_message (
  site_id    INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
  message_id TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  PRIMARY KEY (site_id, message_id)
);
CREATE INDEX hook_message_age ON hook_message (at);
