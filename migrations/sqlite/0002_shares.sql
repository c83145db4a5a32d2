-- +goose Up

-- Several daemons send one issue, each its share. How far the deliveries are
-- written is kept apart from which of them are given out, so that neither waits
-- for the other.

CREATE TABLE launch (
  issue_id   INTEGER PRIMARY KEY REFERENCES issue (id) ON DELETE CASCADE,
  cutoff_id  INTEGER NOT NULL, -- the highest subscription at launch
  through_id INTEGER NOT NULL DEFAULT 0, -- launched up to this subscription
  last_seq   INTEGER NOT NULL DEFAULT 0  -- the highest seq of a bulk delivery so far
);
INSERT INTO launch (issue_id, cutoff_id, through_id, last_seq)
  SELECT issue_id, cutoff_id, through_id, last_seq FROM sender;

-- One row a daemon at work on an issue.
CREATE TABLE share (
  issue_id    INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  number      INTEGER NOT NULL,
  owner       TEXT   NOT NULL, -- '': given back in order
  lease_until INTEGER NOT NULL,
  step        INTEGER NOT NULL, -- counts the marks; an older one never undoes a newer
  slots       BLOB   NOT NULL, -- packed [first, last, done] of each open range
  PRIMARY KEY (issue_id, number)
);
INSERT INTO share (issue_id, number, owner, lease_until, step, slots)
  SELECT issue_id, fence, CASE WHEN lease_until = 0 THEN '' ELSE owner END, 0, 0, slots FROM sender WHERE LENGTH(slots) > 0;

-- What is left of sender: the first seq in no range yet, and the number of the
-- last share.
ALTER TABLE sender RENAME COLUMN fence TO shares;
ALTER TABLE sender DROP COLUMN owner;
ALTER TABLE sender DROP COLUMN lease_until;
ALTER TABLE sender DROP COLUMN cutoff_id;
ALTER TABLE sender DROP COLUMN through_id;
ALTER TABLE sender DROP COLUMN last_seq;
ALTER TABLE sender DROP COLUMN slots;

-- What nobody knows to have arrived after a crash is sent again (0) or held (1).
ALTER TABLE newsletter ADD COLUMN hold INTEGER NOT NULL DEFAULT 0;
