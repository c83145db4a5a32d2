-- +goose Up

-- What is due is looked for issue by issue, so that the backlog of one that is
-- paused costs the others nothing.
DROP INDEX delivery_due_welcome;
DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (kind, issue_id, next_at) WHERE next_at > 0;

-- Whether a claimed delivery's final dot may be out; said only where such a mail
-- is held rather than sent again.
ALTER TABLE delivery ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;

-- +goose Down
