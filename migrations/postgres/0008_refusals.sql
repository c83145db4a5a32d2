-- +goose Up

-- How many had been tried, and refused for good, when the issue was last paused
-- for its refusals: if it goes on, only what comes after counts.
ALTER TABLE sender ADD COLUMN judged_tried BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sender ADD COLUMN judged_refused BIGINT NOT NULL DEFAULT 0;

-- +goose Down
