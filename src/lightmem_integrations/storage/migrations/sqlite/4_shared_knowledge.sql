-- Who supports which statement, and what is shared.

CREATE TABLE shared_support (
    fact INTEGER NOT NULL,
    user INTEGER NOT NULL,
    digest VARCHAR(32) NOT NULL,
    personal BOOLEAN NOT NULL,
    PRIMARY KEY (fact),
    FOREIGN KEY(fact) REFERENCES facts (id),
    FOREIGN KEY(user) REFERENCES users (id)
);
CREATE INDEX shared_support_by_user ON shared_support (user);
CREATE INDEX shared_support_by_digest ON shared_support (digest);

CREATE TABLE shared_statements (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "key" VARCHAR(32) NOT NULL,
    digest VARCHAR(32) NOT NULL,
    statement TEXT NOT NULL,
    created_at DOUBLE NOT NULL,
    vector BLOB NOT NULL,
    UNIQUE ("key"),
    UNIQUE (digest)
);

CREATE TABLE shared_seen (
    user INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    episode INTEGER NOT NULL,
    PRIMARY KEY (user),
    FOREIGN KEY(user) REFERENCES users (id)
);
