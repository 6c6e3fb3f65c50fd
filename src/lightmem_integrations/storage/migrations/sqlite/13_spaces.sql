-- Spaces: memories that several users share. Each is a row of users whose key is of another kind
-- than a user's. Who may read and who may also write there, and which user added a turn of one.

ALTER TABLE users ADD COLUMN space BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE turns ADD COLUMN author TEXT;
CREATE TABLE grants (
    space INTEGER NOT NULL,
    member VARCHAR(32) NOT NULL,
    name TEXT NOT NULL,
    writes BOOLEAN NOT NULL,
    granted_at DOUBLE NOT NULL,
    PRIMARY KEY (space, member),
    FOREIGN KEY(space) REFERENCES users (id)
);
CREATE INDEX grants_by_member ON grants (member);
