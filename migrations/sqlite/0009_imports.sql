-- +goose Up

-- Where the index finds a name. People who are imported together stand on a
-- shelf of their own, so that their names, which have no order, are written to a
-- few pages of the index and not to as many as there are people; who comes alone
-- stands on shelf 0.
ALTER TABLE subscriber ADD COLUMN name_shelf INTEGER NOT NULL DEFAULT 0;
DROP INDEX subscriber_name;
CREATE INDEX subscriber_name ON subscriber (name_shelf, name_index);

-- +goose Down
