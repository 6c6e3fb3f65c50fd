-- JSON values under namespaces, and their vectors.

CREATE TABLE namespaces (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "key" VARCHAR(32) NOT NULL,
    path TEXT NOT NULL,
    UNIQUE ("key")
);

CREATE TABLE namespace_prefixes (
    prefix VARCHAR(32) NOT NULL,
    namespace INTEGER NOT NULL,
    PRIMARY KEY (prefix, namespace),
    FOREIGN KEY(namespace) REFERENCES namespaces (id)
);
CREATE INDEX prefixes_by_namespace ON namespace_prefixes (namespace);

CREATE TABLE documents (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    namespace INTEGER NOT NULL,
    "key" VARCHAR(32) NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    fields TEXT,
    embedded BOOLEAN NOT NULL,
    created_at DOUBLE NOT NULL,
    updated_at DOUBLE NOT NULL,
    ttl_minutes DOUBLE,
    expires_at DOUBLE,
    UNIQUE (namespace, "key"),
    FOREIGN KEY(namespace) REFERENCES namespaces (id)
);
CREATE INDEX documents_by_expiry ON documents (expires_at);
CREATE INDEX documents_by_time ON documents (namespace, updated_at);
CREATE INDEX documents_to_embed ON documents (embedded);

CREATE TABLE document_vectors (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL,
    namespace INTEGER NOT NULL,
    vector BLOB NOT NULL,
    "indexed" SMALLINT NOT NULL,
    FOREIGN KEY(document) REFERENCES documents (id),
    FOREIGN KEY(namespace) REFERENCES namespaces (id)
);
CREATE INDEX document_vectors_by_namespace ON document_vectors (namespace, "indexed");
CREATE INDEX ix_document_vectors_document ON document_vectors (document);
