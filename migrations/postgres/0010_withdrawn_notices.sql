-- +goose Up

-- The keyed hash of the address, by which notices that still wait are found when
-- their person is erased or must not be mailed any more.
ALTER TABLE notice ADD COLUMN address_index BYTEA NOT NULL DEFAULT '';

-- When a site was disconnected; 0 while it is connected.
ALTER TABLE site ADD COLUMN retired_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down
