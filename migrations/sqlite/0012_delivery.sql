-- +goose Up

-- PostgreSQL's deliveries lose a reference here; see there.
SELECT 1;

-- +goose Down
