-- +goose Up

-- No issue is ever deleted. Looking for it again, and locking it, for every
-- delivery costs PostgreSQL a third of a launch; SQLite's look is cheap and
-- stays, as a guard of both.
ALTER TABLE delivery DROP CONSTRAINT delivery_issue_id_fkey;

-- An issue that is being launched is in no statistics yet. From those of the
-- issues before it PostgreSQL would guess that it has next to no deliveries, and
-- read all of them for every chunk.
ALTER TABLE delivery ALTER COLUMN issue_id SET STATISTICS 0;

-- +goose Down
