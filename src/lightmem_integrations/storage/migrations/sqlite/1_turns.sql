-- Users, their sessions and turns, the turns' vectors, and the work still to do.

CREATE TABLE IF NOT EXISTS meta (
    name VARCHAR(64) NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "key" VARCHAR(32) NOT NULL,
    name TEXT NOT NULL,
    searchable INTEGER NOT NULL,
    terms BIGINT NOT NULL,
    UNIQUE ("key")
);

CREATE TABLE work (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind VARCHAR(16) NOT NULL,
    user INTEGER NOT NULL,
    item INTEGER NOT NULL,
    UNIQUE (kind, item)
);
CREATE INDEX work_by_user ON work (kind, user);

CREATE TABLE sessions (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user INTEGER NOT NULL,
    "key" VARCHAR(32) NOT NULL,
    name TEXT NOT NULL,
    length INTEGER NOT NULL,
    window_from INTEGER NOT NULL,
    UNIQUE (user, "key"),
    FOREIGN KEY(user) REFERENCES users (id)
);

CREATE TABLE speakers (
    user INTEGER NOT NULL,
    name TEXT NOT NULL,
    turns INTEGER NOT NULL,
    PRIMARY KEY (user, name),
    FOREIGN KEY(user) REFERENCES users (id)
);

CREATE TABLE turns (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user INTEGER NOT NULL,
    session INTEGER NOT NULL,
    position INTEGER NOT NULL,
    "key" VARCHAR(32) NOT NULL,
    name TEXT NOT NULL,
    role VARCHAR(16) NOT NULL,
    speaker TEXT,
    text TEXT NOT NULL,
    terms TEXT NOT NULL,
    said_at DOUBLE NOT NULL,
    "offset" INTEGER NOT NULL,
    recorded_at DOUBLE NOT NULL,
    agent TEXT,
    message TEXT,
    searchable BOOLEAN NOT NULL,
    digest VARCHAR(32) NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (session, "key"),
    FOREIGN KEY(user) REFERENCES users (id),
    FOREIGN KEY(session) REFERENCES sessions (id)
);
CREATE INDEX turns_by_position ON turns (session, position);
CREATE INDEX turns_by_user ON turns (user, searchable, said_at);
CREATE INDEX turns_by_key ON turns (user, "key");

CREATE TABLE vectors (
    turn INTEGER NOT NULL,
    user INTEGER NOT NULL,
    vector BLOB NOT NULL,
    tokens BLOB,
    PRIMARY KEY (turn),
    FOREIGN KEY(turn) REFERENCES turns (id)
);
CREATE INDEX ix_vectors_user ON vectors (user);
