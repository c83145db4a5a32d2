-- +goose Up

-- What counts an audience, and how far it has moved, without reading all of it.
CREATE INDEX event_time ON event (at);
CREATE INDEX subscription_pause ON subscription (newsletter_id, state, paused_until) WHERE paused_until > 0;
CREATE INDEX subscription_joined ON subscription (newsletter_id, confirmed_at);
CREATE INDEX subscription_gone ON subscription (newsletter_id, left_at) WHERE left_at > 0;
CREATE INDEX subscriber_language ON subscriber (language);

-- What became of the latest slots of a series.
CREATE INDEX slot_series ON slot (series, at);

-- Deliveries that stand otherwise than the launch and the shares tell: to be
-- tried again, failed, skipped, uncertain; and welcomes.
ALTER TABLE delivery ADD COLUMN aside SMALLINT NOT NULL DEFAULT 0;
UPDATE delivery SET aside = 1 WHERE kind <> 0 OR next_at > 0 OR state NOT IN (0, 1);
CREATE INDEX delivery_aside ON delivery (issue_id) WHERE aside = 1;

-- +goose Down
