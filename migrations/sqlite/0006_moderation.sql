-- +goose Up

-- The box "mail me when somebody answers".
ALTER TABLE comment ADD COLUMN wants_replies INTEGER NOT NULL DEFAULT 0;

-- Answers that staff give again and again, with placeholders.
CREATE TABLE saved_answer (
  id         INTEGER PRIMARY KEY,
  title_en   TEXT    NOT NULL,
  title_ko   TEXT    NOT NULL,
  body_en    TEXT    NOT NULL,
  body_ko    TEXT    NOT NULL,
  created_by INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 1
);

-- The flood switch: since when no sign-up is taken; 0 while all is well.
ALTER TABLE installation ADD COLUMN signups_closed_at INTEGER NOT NULL DEFAULT 0;

-- Counts what was changed in what readers see of a page's thread, whichever part
-- of the program changed it, so that a rendered thread is known to be fresh.
ALTER TABLE page ADD COLUMN thread_version INTEGER NOT NULL DEFAULT 1;
-- +goose StatementBegin
CREATE TRIGGER thread_grows AFTER INSERT ON comment WHEN NEW.state = 'approved'
BEGIN
  UPDATE page SET thread_version = thread_version + 1 WHERE id = NEW.page_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER thread_changes AFTER UPDATE OF page_id, parent_id, number, name_sealed, body_sealed, language, state, created_at ON comment
WHEN NEW.state = 'approved' OR OLD.state = 'approved'
BEGIN
  UPDATE page SET thread_version = thread_version + 1 WHERE id IN (NEW.page_id, OLD.page_id);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER thread_shrinks AFTER DELETE ON comment WHEN OLD.state = 'approved'
BEGIN
  UPDATE page SET thread_version = thread_version + 1 WHERE id = OLD.page_id;
END;
-- +goose StatementEnd

-- +goose Down
