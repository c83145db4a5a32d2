-- +goose Up

-- The box "mail me when somebody answers".
ALTER TABLE comment ADD COLUMN wants_replies BIGINT NOT NULL DEFAULT 0;

-- Answers that staff give again and again, with placeholders.
CREATE TABLE saved_answer (
  id         BIGINT PRIMARY KEY,
  title_en   TEXT   NOT NULL,
  title_ko   TEXT   NOT NULL,
  body_en    TEXT   NOT NULL,
  body_ko    TEXT   NOT NULL,
  created_by BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  version    BIGINT NOT NULL DEFAULT 1
);

-- The flood switch: since when no sign-up is taken; 0 while all is well.
ALTER TABLE installation ADD COLUMN signups_closed_at BIGINT NOT NULL DEFAULT 0;

-- Counts what was changed in what readers see of a page's thread, whichever part
-- of the program changed it, so that a rendered thread is known to be fresh.
ALTER TABLE page ADD COLUMN thread_version BIGINT NOT NULL DEFAULT 1;
-- +goose StatementBegin
CREATE FUNCTION thread_changed() RETURNS trigger AS $$
BEGIN
  IF TG_OP <> 'DELETE' AND NEW.state = 'approved' OR TG_OP <> 'INSERT' AND OLD.state = 'approved' THEN
    UPDATE page SET thread_version = thread_version + 1 WHERE id IN (
      CASE WHEN TG_OP = 'DELETE' THEN OLD.page_id ELSE NEW.page_id END, CASE WHEN TG_OP = 'INSERT' THEN NEW.page_id ELSE OLD.page_id END);
  END IF;
  RETURN NULL;
END;
$$ LANGUAGE plpgsql;
-- +goose StatementEnd
CREATE TRIGGER thread_grows AFTER INSERT ON comment FOR EACH ROW EXECUTE FUNCTION thread_changed();
CREATE TRIGGER thread_changes AFTER UPDATE OF page_id, parent_id, number, name_sealed, body_sealed, language, state, created_at ON comment
  FOR EACH ROW EXECUTE FUNCTION thread_changed();
CREATE TRIGGER thread_shrinks AFTER DELETE ON comment FOR EACH ROW EXECUTE FUNCTION thread_changed();

-- +goose Down
