-- Episodes and facts, what they rest on, and the bookkeeping of consolidation.

CREATE TABLE revisions (
    user INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    erased INTEGER NOT NULL,
    PRIMARY KEY (user),
    FOREIGN KEY(user) REFERENCES users (id)
);

CREATE TABLE episodes (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "key" VARCHAR(32) NOT NULL,
    user INTEGER NOT NULL,
    session INTEGER NOT NULL,
    begins DOUBLE NOT NULL,
    ends DOUBLE NOT NULL,
    summary TEXT NOT NULL,
    terms TEXT NOT NULL,
    keywords TEXT NOT NULL,
    entities TEXT NOT NULL,
    speakers TEXT NOT NULL,
    state VARCHAR(12) NOT NULL,
    accesses INTEGER NOT NULL,
    accessed_at DOUBLE,
    writer TEXT NOT NULL,
    version INTEGER NOT NULL,
    recorded_at DOUBLE NOT NULL,
    UNIQUE ("key"),
    FOREIGN KEY(user) REFERENCES users (id),
    FOREIGN KEY(session) REFERENCES sessions (id)
);
CREATE INDEX episodes_by_user ON episodes (user, state);
CREATE INDEX episodes_by_session ON episodes (session);

CREATE TABLE facts (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "key" VARCHAR(32) NOT NULL,
    user INTEGER NOT NULL,
    subject TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    statement TEXT NOT NULL,
    terms TEXT NOT NULL,
    subject_key TEXT NOT NULL,
    attribute_key TEXT NOT NULL,
    value_key TEXT NOT NULL,
    entities TEXT NOT NULL,
    single BOOLEAN NOT NULL,
    valid_from DOUBLE NOT NULL,
    valid_to DOUBLE,
    stated_to DOUBLE,
    recorded_at DOUBLE NOT NULL,
    superseded_by INTEGER,
    superseded_at DOUBLE,
    retracted_at DOUBLE,
    reason TEXT,
    confidence DOUBLE NOT NULL,
    supported_at DOUBLE NOT NULL,
    agent TEXT,
    writer TEXT NOT NULL,
    author VARCHAR(8) NOT NULL,
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    UNIQUE ("key"),
    FOREIGN KEY(user) REFERENCES users (id)
);
CREATE INDEX facts_by_revision ON facts (user, revision);
CREATE INDEX facts_by_successor ON facts (superseded_by);
CREATE INDEX facts_by_attribute ON facts (user, subject_key, attribute_key);

CREATE TABLE refusals (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    digest VARCHAR(32) NOT NULL,
    refused_at DOUBLE NOT NULL,
    FOREIGN KEY(user) REFERENCES users (id),
    FOREIGN KEY(turn) REFERENCES turns (id)
);
CREATE INDEX refusals_by_digest ON refusals (user, digest);
CREATE INDEX refusals_by_turn ON refusals (turn);

CREATE TABLE leases (
    user INTEGER NOT NULL,
    worker VARCHAR(64) NOT NULL,
    until DOUBLE NOT NULL,
    PRIMARY KEY (user),
    FOREIGN KEY(user) REFERENCES users (id)
);

CREATE TABLE failures (
    session INTEGER NOT NULL,
    user INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    again_at DOUBLE NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (session),
    FOREIGN KEY(session) REFERENCES sessions (id),
    FOREIGN KEY(user) REFERENCES users (id)
);

CREATE TABLE quarantine (
    turn INTEGER NOT NULL,
    session INTEGER NOT NULL,
    user INTEGER NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DOUBLE NOT NULL,
    PRIMARY KEY (turn),
    FOREIGN KEY(turn) REFERENCES turns (id),
    FOREIGN KEY(session) REFERENCES sessions (id),
    FOREIGN KEY(user) REFERENCES users (id)
);
CREATE INDEX quarantine_by_user ON quarantine (user);
CREATE INDEX quarantine_by_session ON quarantine (session);

CREATE TABLE episode_turns (
    turn INTEGER NOT NULL,
    episode INTEGER NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY (turn),
    FOREIGN KEY(turn) REFERENCES turns (id),
    FOREIGN KEY(episode) REFERENCES episodes (id),
    FOREIGN KEY(user) REFERENCES users (id)
);
CREATE INDEX episode_turns_by_user ON episode_turns (user);
CREATE INDEX episode_turns_by_episode ON episode_turns (episode);

CREATE TABLE assertions (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user INTEGER NOT NULL,
    fact INTEGER NOT NULL,
    episode INTEGER,
    subject TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    statement TEXT NOT NULL,
    terms TEXT NOT NULL,
    entities TEXT NOT NULL,
    since DOUBLE NOT NULL,
    said_at DOUBLE NOT NULL,
    stated_to DOUBLE,
    confidence DOUBLE NOT NULL,
    agent TEXT,
    recorded_at DOUBLE NOT NULL,
    FOREIGN KEY(user) REFERENCES users (id),
    FOREIGN KEY(fact) REFERENCES facts (id),
    FOREIGN KEY(episode) REFERENCES episodes (id)
);
CREATE INDEX assertions_by_episode ON assertions (episode);
CREATE INDEX assertions_by_fact ON assertions (fact);

CREATE TABLE mentions (
    fact INTEGER NOT NULL,
    entity TEXT NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY (fact, entity),
    FOREIGN KEY(fact) REFERENCES facts (id),
    FOREIGN KEY(user) REFERENCES users (id)
);
CREATE INDEX mentions_by_entity ON mentions (user, entity);

CREATE TABLE conflicts (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "key" VARCHAR(32) NOT NULL,
    user INTEGER NOT NULL,
    first INTEGER NOT NULL,
    second INTEGER NOT NULL,
    opened_at DOUBLE NOT NULL,
    resolved_at DOUBLE,
    resolution TEXT,
    UNIQUE (first, second),
    UNIQUE ("key"),
    FOREIGN KEY(user) REFERENCES users (id),
    FOREIGN KEY(first) REFERENCES facts (id),
    FOREIGN KEY(second) REFERENCES facts (id)
);
CREATE INDEX conflicts_by_second ON conflicts (second);
CREATE INDEX conflicts_by_user ON conflicts (user);

CREATE TABLE episode_vectors (
    episode INTEGER NOT NULL,
    user INTEGER NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (episode),
    FOREIGN KEY(episode) REFERENCES episodes (id)
);
CREATE INDEX ix_episode_vectors_user ON episode_vectors (user);

CREATE TABLE fact_vectors (
    fact INTEGER NOT NULL,
    user INTEGER NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (fact),
    FOREIGN KEY(fact) REFERENCES facts (id)
);
CREATE INDEX ix_fact_vectors_user ON fact_vectors (user);

CREATE TABLE evidence (
    assertion INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    fact INTEGER NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY (assertion, turn),
    FOREIGN KEY(assertion) REFERENCES assertions (id),
    FOREIGN KEY(turn) REFERENCES turns (id),
    FOREIGN KEY(fact) REFERENCES facts (id),
    FOREIGN KEY(user) REFERENCES users (id)
);
CREATE INDEX evidence_by_turn ON evidence (turn);
CREATE INDEX evidence_by_fact ON evidence (fact);

-- What was said before is due for consolidation.
INSERT INTO work (kind, user, item)
SELECT DISTINCT 'consolidate', user, session FROM turns WHERE searchable;
