-- +goose Up

-- When the next message of a token bucket may go. The name is that of a lane,
-- as in delivery.lane, or of a relay, or of all relays together.
CREATE TABLE bucket (
  name    BLOB PRIMARY KEY,
  free_at INTEGER NOT NULL
);

-- Lanes whose mail is refused for the time being, one row each. Once until has
-- passed one message may try; opened counts how often in a row it was refused.
CREATE TABLE breaker (
  lane   BLOB PRIMARY KEY,
  opened INTEGER NOT NULL,
  until  INTEGER NOT NULL
);

-- How many messages a relay was given on a calendar day of the ministry's zone.
CREATE TABLE quota (
  relay TEXT   NOT NULL,
  day   TEXT   NOT NULL,
  used  INTEGER NOT NULL,
  PRIMARY KEY (relay, day)
);

-- Whether next_at is a moment that the lane's bucket has been debited for.
ALTER TABLE delivery ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;

CREATE INDEX delivery_due_welcome ON delivery (next_at) WHERE next_at > 0 AND kind = 1;

-- +goose Down
