-- +goose Up

-- Where the index finds a name. People who are imported together stand on a
-- shelf of their own, so that their names, which have no order, are written to a
-- few pages of the index and not to as many as there are people; who comes alone
-- stands on shelf 0.
ALTER TABLE subscriber ADD COLUMN name_shelf BIGINT NOT NULL DEFAULT 0;
DROP INDEX subscriber_name;
CREATE INDEX subscriber_name ON subscriber (name_shelf, name_index);

-- No newsletter is ever deleted. Looking for it again, and locking it, for every
-- person who joins costs PostgreSQL as much as writing their subscription;
-- SQLite's look is cheap and stays, as a guard of both.
ALTER TABLE subscription DROP CONSTRAINT subscription_newsletter_id_fkey;
ALTER TABLE consent DROP CONSTRAINT consent_newsletter_id_fkey;

-- +goose Down
