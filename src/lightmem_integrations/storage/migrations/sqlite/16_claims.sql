-- Work that a process has claimed, where several work on one ledger, and until when. The last turn of
-- a user is looked up by itself. Tombstones are of what was forgotten lately: what says whose it was,
-- or who said it, are digests.

ALTER TABLE work ADD COLUMN claimed_by TEXT;
ALTER TABLE work ADD COLUMN claimed_until DOUBLE;
CREATE INDEX turns_of_user ON turns (user);

CREATE TABLE tombstones (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    memory VARCHAR(32) NOT NULL,
    erased_at DOUBLE NOT NULL,
    session VARCHAR(32),
    author VARCHAR(32),
    since DOUBLE,
    until DOUBLE,
    turns TEXT
);
CREATE INDEX tombstones_by_memory ON tombstones (memory);
CREATE INDEX tombstones_by_time ON tombstones (erased_at);

INSERT INTO meta (name, value) VALUES ('least_version', '16') ON CONFLICT (name) DO NOTHING;
