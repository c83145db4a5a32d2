-- +goose Up

-- What counts an audience, and how far it has moved, without reading all of it.
CREATE INDEX event_time ON event (at);
CREATE INDEX subscription_pause ON subscription (newsletter_id, state, paused_until) WHERE paused_until > 0;
CREATE INDEX subscription_joined ON subscription (newsletter_id, confirmed_at);
CREATE INDEX subscription_gone ON subscription (newsletter_id, left_at) WHERE left_at > 0;
CREATE INDEX subscriber_language ON subscriber (language);

-- +goose Down
