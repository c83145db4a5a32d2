-- +goose Up

-- No issue is ever deleted. Looking for it again, and locking it, for every
-- delivery costs PostgreSQL a third of a launch; SQLite's look is cheap and
-- stays, as a guard of both.
ALTER TABLE delivery DROP CONSTRAINT delivery_issue_id_fkey;

-- +goose Down
