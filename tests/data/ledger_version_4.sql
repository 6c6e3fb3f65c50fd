-- A ledger of version 4, as it was written before the steps of migration were frozen.
-- ann and bob have turns, facts (one of ann's superseded, one turn of hers still due) and documents;
-- with cy they share a statement. A fourth user's identifiers hold control characters, which were
-- escaped then.
BEGIN;
CREATE TABLE meta (
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
CREATE INDEX turns_by_key ON turns (user, "key");
CREATE INDEX turns_by_user ON turns (user, searchable, said_at);
CREATE TABLE vectors (
  turn INTEGER NOT NULL,
  user INTEGER NOT NULL,
  vector BLOB NOT NULL,
  tokens BLOB,
  PRIMARY KEY (turn),
  FOREIGN KEY(turn) REFERENCES turns (id)
);
CREATE INDEX ix_vectors_user ON vectors (user);
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
CREATE INDEX refusals_by_turn ON refusals (turn);
CREATE INDEX refusals_by_digest ON refusals (user, digest);
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
CREATE INDEX quarantine_by_session ON quarantine (session);
CREATE INDEX quarantine_by_user ON quarantine (user);
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
CREATE INDEX conflicts_by_user ON conflicts (user);
CREATE INDEX conflicts_by_second ON conflicts (second);
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
CREATE INDEX evidence_by_fact ON evidence (fact);
CREATE INDEX evidence_by_turn ON evidence (turn);
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
CREATE INDEX documents_to_embed ON documents (embedded);
CREATE INDEX documents_by_expiry ON documents (expires_at);
CREATE INDEX documents_by_time ON documents (namespace, updated_at);
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
CREATE VIRTUAL TABLE lexical USING fts5(tokens, content='', detail=none, columnsize=0, tokenize='ascii');
CREATE VIRTUAL TABLE lexical_vocabulary USING fts5vocab('lexical', 'row');
INSERT INTO meta VALUES ('version', '4');
INSERT INTO meta VALUES ('embedder.name', 'hash-16');
INSERT INTO meta VALUES ('embedder.dimension', '16');
INSERT INTO users VALUES (1, 'd8963d899008cf8c05369be7b9042715', 'ann', 7, 21);
INSERT INTO users VALUES (2, '05cf8e6a8c713212772cac9e6f1ea948', 'bob', 3, 9);
INSERT INTO users VALUES (3, '1f0cd0cae417787d537af8f47b9bbca3', 'cy', 1, 3);
INSERT INTO users VALUES (4, 'fd33e21d1ed1c983b96652be889e2207', CAST(X'6f64640101020102010101016964' AS TEXT), 1, 3);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES ('work', 20);
INSERT INTO sqlite_sequence VALUES ('users', 4);
INSERT INTO sqlite_sequence VALUES ('sessions', 8);
INSERT INTO sqlite_sequence VALUES ('turns', 12);
INSERT INTO sqlite_sequence VALUES ('episodes', 11);
INSERT INTO sqlite_sequence VALUES ('facts', 8);
INSERT INTO sqlite_sequence VALUES ('assertions', 8);
INSERT INTO sqlite_sequence VALUES ('shared_statements', 1);
INSERT INTO sqlite_sequence VALUES ('namespaces', 2);
INSERT INTO sqlite_sequence VALUES ('documents', 3);
INSERT INTO sqlite_sequence VALUES ('document_vectors', 2);
INSERT INTO work VALUES (20, 'consolidate', 1, 8);
INSERT INTO sessions VALUES (1, 1, '833ede412aad05219a1b924c1fe8a5cd', 'tea', 1, 0);
INSERT INTO sessions VALUES (2, 2, '833ede412aad05219a1b924c1fe8a5cd', 'tea', 1, 0);
INSERT INTO sessions VALUES (3, 3, '833ede412aad05219a1b924c1fe8a5cd', 'tea', 1, 0);
INSERT INTO sessions VALUES (4, 1, '2b09b6383e73520cd5a2f031cfb8b184', 'spring', 3, 0);
INSERT INTO sessions VALUES (5, 1, 'e463ca31290455ea9e471338b4356d3f', 'summer', 2, 0);
INSERT INTO sessions VALUES (6, 2, '2b09b6383e73520cd5a2f031cfb8b184', 'spring', 2, 0);
INSERT INTO sessions VALUES (7, 4, 'c4cfcbc60aa52b559909321c659326f3', CAST(X'736f64640101020102010101016964' AS TEXT), 1, 0);
INSERT INTO sessions VALUES (8, 1, '3824fc57e532ac4b587668225e17fab4', 'autumn', 1, 0);
INSERT INTO speakers VALUES (1, 'Ann', 6);
INSERT INTO speakers VALUES (2, 'Bob', 2);
INSERT INTO turns VALUES (1, 1, 1, 1, '833ede412aad05219a1b924c1fe8a5cd', 'tea', 'user', NULL, 'I love green tea.', 'love green tea', 1746082800.0, 7200, 1795844716.7924092, NULL, NULL, 1, 'd5bd9a993bc3341e34177730785de2d6', 1);
INSERT INTO turns VALUES (2, 2, 2, 1, '833ede412aad05219a1b924c1fe8a5cd', 'tea', 'user', NULL, 'I love green tea.', 'love green tea', 1746082800.0, 7200, 1795844716.8106189, NULL, NULL, 1, 'd5bd9a993bc3341e34177730785de2d6', 1);
INSERT INTO turns VALUES (3, 3, 3, 1, '833ede412aad05219a1b924c1fe8a5cd', 'tea', 'user', NULL, 'I love green tea.', 'love green tea', 1746082800.0, 7200, 1795844716.8268068, NULL, NULL, 1, 'd5bd9a993bc3341e34177730785de2d6', 1);
INSERT INTO turns VALUES (4, 1, 4, 1, '1fafdf50fb3cbb80610d337392abc194', 'spring-0', 'user', 'Ann', 'I feed the heron by the river.', 'feed heron river', 1746082800.0, 7200, 1795844737.9146316, NULL, NULL, 1, '7063c1597aa5ef71bcaddf9971b103b9', 1);
INSERT INTO turns VALUES (5, 1, 4, 2, '126f5c6079a39260b0d467af6ec62651', 'spring-1', 'user', 'Ann', 'Ann.home = Porto', 'ann home porto', 1746169200.0, 7200, 1795844737.9146514, NULL, NULL, 1, '52b900a6ae488d488f02d90491581b01', 1);
INSERT INTO turns VALUES (6, 1, 4, 3, 'cc2980679120d2931ea9cf9f60dc7ba4', 'spring-2', 'user', 'Ann', 'Ann.pet = Basil', 'ann pet basil', 1746255600.0, 7200, 1795844737.914664, NULL, NULL, 1, 'c29085ea705e4d5b70101f53b6f237c3', 1);
INSERT INTO turns VALUES (7, 1, 5, 1, 'e6a0d79af3668d568a803628a6f0e4d2', 'summer-0', 'user', 'Ann', 'Ann.home = Lisbon', 'ann home lisbon', 1747724400.0, 7200, 1795844738.492991, NULL, NULL, 1, 'df6620998cc83ba2bf16f5c5609dbb8a', 1);
INSERT INTO turns VALUES (8, 1, 5, 2, '18b4e32864982f4cbcf7171b6ec22b6a', 'summer-1', 'user', 'Ann', 'The heron came back.', 'heron came back', 1747810800.0, 7200, 1795844738.4930058, NULL, NULL, 1, 'f5fa3d6bc02cd2c4a4921f0ec83ad8d0', 1);
INSERT INTO turns VALUES (9, 2, 6, 1, '1fafdf50fb3cbb80610d337392abc194', 'spring-0', 'user', 'Bob', 'Bob.home = Ghent', 'bob home ghent', 1746082800.0, 7200, 1795844738.514139, NULL, NULL, 1, '7a3e4650575b18adf4d424aee7e26fcc', 1);
INSERT INTO turns VALUES (10, 2, 6, 2, '126f5c6079a39260b0d467af6ec62651', 'spring-1', 'user', 'Bob', 'I cannot stand the heron.', 'cannot stand heron', 1746169200.0, 7200, 1795844738.5141473, NULL, NULL, 1, '36a5a9f99b4854108d22cbb5063ac909', 1);
INSERT INTO turns VALUES (11, 4, 7, 1, '7559ba6ed393a2f9a1e01f0e35845705', CAST(X'746f64640101020102010101016964' AS TEXT), 'user', NULL, 'Otto.home = Oslo', 'otto home oslo', 1746255600.0, 7200, 1795844739.0244489, CAST(X'616f64640101020102010101016964' AS TEXT), NULL, 1, '67ed075d38dcabeb410afa6050599aca', 1);
INSERT INTO turns VALUES (12, 1, 8, 1, '6f139a4cd950aa236775f5207edd0f49', 'autumn-0', 'user', 'Ann', 'Ann.pet = Comet', 'ann pet comet', 1748156400.0, 7200, 1795844739.3235552, NULL, NULL, 1, 'd7920bc00ded19b984463c18e66342ce', 1);
INSERT INTO vectors VALUES (1, 1, X'000000009eb800009eb800009eb8000000000000000000000000000000000000', NULL);
INSERT INTO vectors VALUES (2, 2, X'000000009eb800009eb800009eb8000000000000000000000000000000000000', NULL);
INSERT INTO vectors VALUES (3, 3, X'000000009eb800009eb800009eb8000000000000000000000000000000000000', NULL);
INSERT INTO vectors VALUES (4, 1, X'00000000000000380038000000000000000000000038000000b8000000000000', NULL);
INSERT INTO vectors VALUES (5, 1, X'000000000000a839000000000000000000000000a83900000000000000000000', NULL);
INSERT INTO vectors VALUES (6, 1, X'000000000000883a00008836000088b600000000000000000000000000000000', NULL);
INSERT INTO vectors VALUES (7, 1, X'000000000000883a0000000000000000000000008836000088b6000000000000', NULL);
INSERT INTO vectors VALUES (8, 1, X'0000000000000038000000380000000000b80000003800000000000000000000', NULL);
INSERT INTO vectors VALUES (9, 2, X'0000000088b6000088ba00000000000000000000883600000000000000000000', NULL);
INSERT INTO vectors VALUES (10, 2, X'000000000000000000b800b80000000000000000003800000000003800000000', NULL);
INSERT INTO vectors VALUES (11, 4, X'00000000000000009eb8000000000000000000009e380000000000009eb80000', NULL);
INSERT INTO vectors VALUES (12, 1, X'000000000000883a00000000000088b600000000000000000000000000008836', NULL);
INSERT INTO revisions VALUES (1, 4, 0);
INSERT INTO revisions VALUES (2, 2, 0);
INSERT INTO revisions VALUES (3, 1, 0);
INSERT INTO revisions VALUES (4, 1, 0);
INSERT INTO episodes VALUES (1, '0fc401f00b5d4cd9b283f6ff07833bf2', 1, 1, 1746082800.0, 1746082800.0, 'user: I love green tea.', 'user love green tea green tea', '["green", "tea"]', '[]', '["user"]', 'verbatim', 0, NULL, 'extractive', 1, 1795844719.5726812);
INSERT INTO episodes VALUES (2, '73de0fd8c7c54421a9038a10b7d01396', 2, 2, 1746082800.0, 1746082800.0, 'user: I love green tea.', 'user love green tea green tea', '["green", "tea"]', '[]', '["user"]', 'verbatim', 0, NULL, 'extractive', 1, 1795844719.8766198);
INSERT INTO episodes VALUES (3, '4a7470bfd92a480faa7d0a2ef3983a07', 3, 3, 1746082800.0, 1746082800.0, 'user: I love green tea.', 'user love green tea green tea', '["green", "tea"]', '[]', '["user"]', 'verbatim', 0, NULL, 'extractive', 1, 1795844720.059371);
INSERT INTO episodes VALUES (4, 'babf1e968b4b4d59b4246d2d83b0e3e2', 1, 4, 1746082800.0, 1746082800.0, 'I feed the heron by the river.', 'feed heron river', '[]', '[]', '["Ann"]', 'verbatim', 0, NULL, 'scripted', 1, 1795844738.2669983);
INSERT INTO episodes VALUES (5, 'a316e70ef3bd4a148a08b082fd99ade4', 1, 4, 1746169200.0, 1746169200.0, 'Ann.home = Porto', 'ann home porto home ann', '["home"]', '["Ann"]', '["Ann"]', 'verbatim', 0, NULL, 'scripted', 1, 1795844738.3034134);
INSERT INTO episodes VALUES (6, 'b783a1f93eb24b5e9c7b046b5e238dd7', 1, 4, 1746255600.0, 1746255600.0, 'Ann.pet = Basil', 'ann pet basil pet ann', '["pet"]', '["Ann"]', '["Ann"]', 'verbatim', 0, NULL, 'scripted', 1, 1795844738.3643603);
INSERT INTO episodes VALUES (7, 'ce257db97b50488ea748ee7977d57d4b', 1, 5, 1747724400.0, 1747724400.0, 'Ann.home = Lisbon', 'ann home lisbon home ann', '["home"]', '["Ann"]', '["Ann"]', 'verbatim', 0, NULL, 'scripted', 1, 1795844738.6795666);
INSERT INTO episodes VALUES (8, '929c03d9f5c54e919c795e4b04b9047a', 1, 5, 1747810800.0, 1747810800.0, 'The heron came back.', 'heron came back', '[]', '[]', '["Ann"]', 'verbatim', 0, NULL, 'scripted', 1, 1795844738.7321243);
INSERT INTO episodes VALUES (9, '7ba97a98024245fcb2768a8dd6673ca4', 2, 6, 1746082800.0, 1746082800.0, 'Bob.home = Ghent', 'bob home ghent home bob', '["home"]', '["Bob"]', '["Bob"]', 'verbatim', 0, NULL, 'scripted', 1, 1795844738.8319852);
INSERT INTO episodes VALUES (10, 'b187203c169f4646ac74262b28b25354', 2, 6, 1746169200.0, 1746169200.0, 'I cannot stand the heron.', 'cannot stand heron', '[]', '[]', '["Bob"]', 'verbatim', 0, NULL, 'scripted', 1, 1795844738.894528);
INSERT INTO episodes VALUES (11, '632042f8cab4473cb39fa78149ed6846', 4, 7, 1746255600.0, 1746255600.0, 'Otto.home = Oslo', 'otto home oslo home otto', '["home"]', '["Otto"]', '["user"]', 'verbatim', 0, NULL, 'scripted', 1, 1795844739.1670856);
INSERT INTO facts VALUES (1, '34154b50503f4855aa58c3c0aa1bd888', 1, 'user', 'taste for green tea', 'likes', 'The user loves green tea.', 'user love green tea', 'user', 'tast green tea', 'like', '[]', 1, 1746082800.0, NULL, NULL, 1795844719.5706582, NULL, NULL, NULL, NULL, 0.6, 1746082800.0, NULL, 'extractive', 'writer', 1, 1);
INSERT INTO facts VALUES (2, '6529bea079024febaa9bef9ef6f2acdf', 2, 'user', 'taste for green tea', 'likes', 'The user loves green tea.', 'user love green tea', 'user', 'tast green tea', 'like', '[]', 1, 1746082800.0, NULL, NULL, 1795844719.875541, NULL, NULL, NULL, NULL, 0.6, 1746082800.0, NULL, 'extractive', 'writer', 1, 1);
INSERT INTO facts VALUES (3, '8626c34089d04883808d796865c2c18d', 3, 'user', 'taste for green tea', 'likes', 'The user loves green tea.', 'user love green tea', 'user', 'tast green tea', 'like', '[]', 1, 1746082800.0, NULL, NULL, 1795844720.058889, NULL, NULL, NULL, NULL, 0.6, 1746082800.0, NULL, 'extractive', 'writer', 1, 1);
INSERT INTO facts VALUES (4, '8251dcd66a984207a075440515aa5b80', 1, 'Ann', 'home', 'Porto', 'Ann home Porto.', 'ann home porto', 'ann', 'home', 'porto', '["Ann", "Porto"]', 1, 1746169200.0, 1747724400.0, NULL, 1795844738.302409, 6, 1795844738.6795666, NULL, NULL, 0.5, 1746169200.0, NULL, 'scripted', 'writer', 2, 4);
INSERT INTO facts VALUES (5, 'd2ab246479674e7786a93a78d9fa9139', 1, 'Ann', 'pet', 'Basil', 'Ann pet Basil.', 'ann pet basil', 'ann', 'pet', 'basil', '["Ann", "Basil"]', 1, 1746255600.0, NULL, NULL, 1795844738.3638773, NULL, NULL, NULL, NULL, 0.5, 1746255600.0, NULL, 'scripted', 'writer', 1, 3);
INSERT INTO facts VALUES (6, '44fec96dd50a4257a447a4d182840bc9', 1, 'Ann', 'home', 'Lisbon', 'Ann home Lisbon.', 'ann home lisbon', 'ann', 'home', 'lisbon', '["Ann", "Lisbon"]', 1, 1747724400.0, NULL, NULL, 1795844738.6570191, NULL, NULL, NULL, NULL, 0.5, 1747724400.0, NULL, 'scripted', 'writer', 1, 4);
INSERT INTO facts VALUES (7, 'dad000c506e94975b3a633c3155091ca', 2, 'Bob', 'home', 'Ghent', 'Bob home Ghent.', 'bob home ghent', 'bob', 'home', 'ghent', '["Bob", "Ghent"]', 1, 1746082800.0, NULL, NULL, 1795844738.8310308, NULL, NULL, NULL, NULL, 0.5, 1746082800.0, NULL, 'scripted', 'writer', 1, 2);
INSERT INTO facts VALUES (8, 'd21ab1d683fd405d8e579aa783e639c0', 4, 'Otto', 'home', 'Oslo', 'Otto home Oslo.', 'otto home oslo', 'otto', 'home', 'oslo', '["Otto", "Oslo"]', 1, 1746255600.0, NULL, NULL, 1795844739.1664486, NULL, NULL, NULL, NULL, 0.5, 1746255600.0, CAST(X'616f64640101020102010101016964' AS TEXT), 'scripted', 'writer', 1, 1);
INSERT INTO episode_turns VALUES (1, 1, 1);
INSERT INTO episode_turns VALUES (2, 2, 2);
INSERT INTO episode_turns VALUES (3, 3, 3);
INSERT INTO episode_turns VALUES (4, 4, 1);
INSERT INTO episode_turns VALUES (5, 5, 1);
INSERT INTO episode_turns VALUES (6, 6, 1);
INSERT INTO episode_turns VALUES (7, 7, 1);
INSERT INTO episode_turns VALUES (8, 8, 1);
INSERT INTO episode_turns VALUES (9, 9, 2);
INSERT INTO episode_turns VALUES (10, 10, 2);
INSERT INTO episode_turns VALUES (11, 11, 4);
INSERT INTO assertions VALUES (1, 1, 1, 1, 'user', 'taste for green tea', 'likes', 'The user loves green tea.', 'user love green tea', '[]', 1746082800.0, 1746082800.0, NULL, 0.6, NULL, 1795844719.5726812);
INSERT INTO assertions VALUES (2, 2, 2, 2, 'user', 'taste for green tea', 'likes', 'The user loves green tea.', 'user love green tea', '[]', 1746082800.0, 1746082800.0, NULL, 0.6, NULL, 1795844719.8766198);
INSERT INTO assertions VALUES (3, 3, 3, 3, 'user', 'taste for green tea', 'likes', 'The user loves green tea.', 'user love green tea', '[]', 1746082800.0, 1746082800.0, NULL, 0.6, NULL, 1795844720.059371);
INSERT INTO assertions VALUES (4, 1, 4, 5, 'Ann', 'home', 'Porto', 'Ann home Porto.', 'ann home porto', '["Ann", "Porto"]', 1746169200.0, 1746169200.0, NULL, 0.5, NULL, 1795844738.3034134);
INSERT INTO assertions VALUES (5, 1, 5, 6, 'Ann', 'pet', 'Basil', 'Ann pet Basil.', 'ann pet basil', '["Ann", "Basil"]', 1746255600.0, 1746255600.0, NULL, 0.5, NULL, 1795844738.3643603);
INSERT INTO assertions VALUES (6, 1, 6, 7, 'Ann', 'home', 'Lisbon', 'Ann home Lisbon.', 'ann home lisbon', '["Ann", "Lisbon"]', 1747724400.0, 1747724400.0, NULL, 0.5, NULL, 1795844738.6795666);
INSERT INTO assertions VALUES (7, 2, 7, 9, 'Bob', 'home', 'Ghent', 'Bob home Ghent.', 'bob home ghent', '["Bob", "Ghent"]', 1746082800.0, 1746082800.0, NULL, 0.5, NULL, 1795844738.8319852);
INSERT INTO assertions VALUES (8, 4, 8, 11, 'Otto', 'home', 'Oslo', 'Otto home Oslo.', 'otto home oslo', '["Otto", "Oslo"]', 1746255600.0, 1746255600.0, NULL, 0.5, CAST(X'616f64640101020102010101016964' AS TEXT), 1795844739.1670856);
INSERT INTO mentions VALUES (1, 'user', 1);
INSERT INTO mentions VALUES (2, 'user', 2);
INSERT INTO mentions VALUES (3, 'user', 3);
INSERT INTO mentions VALUES (4, 'ann', 1);
INSERT INTO mentions VALUES (4, 'porto', 1);
INSERT INTO mentions VALUES (5, 'ann', 1);
INSERT INTO mentions VALUES (5, 'basil', 1);
INSERT INTO mentions VALUES (6, 'ann', 1);
INSERT INTO mentions VALUES (6, 'lisbon', 1);
INSERT INTO mentions VALUES (7, 'bob', 2);
INSERT INTO mentions VALUES (7, 'ghent', 2);
INSERT INTO mentions VALUES (8, 'otto', 4);
INSERT INTO mentions VALUES (8, 'oslo', 4);
INSERT INTO episode_vectors VALUES (1, 1, X'0000000000b8000000b8000000b8000000000000000000000000003800000000');
INSERT INTO episode_vectors VALUES (2, 2, X'0000000000b8000000b8000000b8000000000000000000000000003800000000');
INSERT INTO episode_vectors VALUES (3, 3, X'0000000000b8000000b8000000b8000000000000000000000000003800000000');
INSERT INTO episode_vectors VALUES (4, 1, X'00000000000000009e38000000000000000000009e3800009eb8000000000000');
INSERT INTO episode_vectors VALUES (5, 1, X'0000000000002837000000000000000000000000283b00000000000000000000');
INSERT INTO episode_vectors VALUES (6, 1, X'0000000000009e3800009e3800009eb800000000000000000000000000000000');
INSERT INTO episode_vectors VALUES (7, 1, X'0000000000009e380000000000000000000000009e3800009eb8000000000000');
INSERT INTO episode_vectors VALUES (8, 1, X'000000000000000000009e38000000009eb800009e3800000000000000000000');
INSERT INTO episode_vectors VALUES (9, 2, X'000000009eb800009eb8000000000000000000009e3800000000000000000000');
INSERT INTO episode_vectors VALUES (10, 2, X'000000000000000000009eb800000000000000009e38000000009e3800000000');
INSERT INTO episode_vectors VALUES (11, 4, X'00000000000000009eb8000000000000000000009e380000000000009eb80000');
INSERT INTO fact_vectors VALUES (1, 1, X'0000000000b8000000b8000000b8000000000000000000000000003800000000');
INSERT INTO fact_vectors VALUES (2, 2, X'0000000000b8000000b8000000b8000000000000000000000000003800000000');
INSERT INTO fact_vectors VALUES (3, 3, X'0000000000b8000000b8000000b8000000000000000000000000003800000000');
INSERT INTO fact_vectors VALUES (4, 1, X'0000000000002837000000000000000000000000283b00000000000000000000');
INSERT INTO fact_vectors VALUES (5, 1, X'0000000000009e3800009e3800009eb800000000000000000000000000000000');
INSERT INTO fact_vectors VALUES (6, 1, X'0000000000009e380000000000000000000000009e3800009eb8000000000000');
INSERT INTO fact_vectors VALUES (7, 2, X'000000009eb800009eb8000000000000000000009e3800000000000000000000');
INSERT INTO fact_vectors VALUES (8, 4, X'00000000000000009eb8000000000000000000009e380000000000009eb80000');
INSERT INTO evidence VALUES (1, 1, 1, 1);
INSERT INTO evidence VALUES (2, 2, 2, 2);
INSERT INTO evidence VALUES (3, 3, 3, 3);
INSERT INTO evidence VALUES (4, 5, 4, 1);
INSERT INTO evidence VALUES (5, 6, 5, 1);
INSERT INTO evidence VALUES (6, 7, 6, 1);
INSERT INTO evidence VALUES (7, 9, 7, 2);
INSERT INTO evidence VALUES (8, 11, 8, 4);
INSERT INTO namespaces VALUES (1, 'f0e69257808f1e4dafe8775adfc83351', '["notes", "ann"]');
INSERT INTO namespaces VALUES (2, '70da421160732d2b2c89c0d2865a0fb1', '["notes", "bob"]');
INSERT INTO namespace_prefixes VALUES ('6037ac13feabe1ec4e9adab8a8c7604d', 1);
INSERT INTO namespace_prefixes VALUES ('f0e69257808f1e4dafe8775adfc83351', 1);
INSERT INTO namespace_prefixes VALUES ('6037ac13feabe1ec4e9adab8a8c7604d', 2);
INSERT INTO namespace_prefixes VALUES ('70da421160732d2b2c89c0d2865a0fb1', 2);
INSERT INTO documents VALUES (1, 1, '4aa034753c26e80f5a9239387bfdd529', 'list', '{"text": "buy millet for the heron"}', '["$"]', 1, 1795844739.395692, 1795844739.395692, NULL, NULL);
INSERT INTO documents VALUES (2, 1, '74b3e576f22d156dca49123c1465e815', 'plan', '{"text": "row to the island"}', '["$"]', 1, 1795844739.4238987, 1795844739.4238987, NULL, NULL);
INSERT INTO documents VALUES (3, 2, '478d71f83933f9d0b7446ce4dd8bb577', CAST(X'6b6f64640101020102010101016964' AS TEXT), '{"text": "a net against the heron"}', NULL, 1, 1795844739.4354694, 1795844739.4354694, NULL, NULL);
INSERT INTO document_vectors VALUES (1, 1, 1, X'a8b90000000000000000000000000000000000000000a8390000000000000000', 0);
INSERT INTO document_vectors VALUES (2, 2, 1, X'0000000000009e380000000000000000000000009eb80000000000009eb80000', 0);
INSERT INTO shared_support VALUES (1, 1, 'e322f4a3f3783cc700975cd96f7aee8e', 0);
INSERT INTO shared_support VALUES (2, 2, 'e322f4a3f3783cc700975cd96f7aee8e', 0);
INSERT INTO shared_support VALUES (3, 3, 'e322f4a3f3783cc700975cd96f7aee8e', 0);
INSERT INTO shared_statements VALUES (1, 'f7169fd383fb41b9966c26ddbca2273a', 'e322f4a3f3783cc700975cd96f7aee8e', 'Several users: likes green tea', 1795824000.0, X'000000009eb800009eb8000000000000000000009eb800000000000000000000');
INSERT INTO shared_seen VALUES (1, 4, 8);
INSERT INTO shared_seen VALUES (2, 2, 10);
INSERT INTO shared_seen VALUES (3, 1, 3);
INSERT INTO shared_seen VALUES (4, 1, 11);
DELETE FROM lexical_data;
INSERT INTO lexical_data VALUES (1, X'0c24');
INSERT INTO lexical_data VALUES (10, X'000000000108080008010101020101030101040101050101060101070101080101');
INSERT INTO lexical_data VALUES (137438953473, X'0000003c11303334663532633339346437303835333901020f6339393266633230353338663935640101106433306537643863323864353165353701041312');
INSERT INTO lexical_data VALUES (274877906945, X'0000003d113031353531623939663365613935623733020110346537626333353938336130646337380201106639623538306365666632303462393502041313');
INSERT INTO lexical_data VALUES (412316860417, X'0000003c11303835393436353635613333353863353803020f3934656335313233386461656639330301106265623438393539646164353436363703041312');
INSERT INTO lexical_data VALUES (549755813889, X'0000009b11303030626637623066316538356432636106020f356361353530373865643139653531050110343933396535363763633634623236640501020f62346463663633363438363938343004011036636530393335323066303966643361040110613939336239626333363862366133340401106238663834373733346338373330303706011066613938363636326135323230316131050413121412131313');
INSERT INTO lexical_data VALUES (687194767361, X'00000076113030356361353530373865643139653531070110343933396535363763633634623236640701103632393262396561333066343434643807011061393933623962633336386236613334080110653138386163346439353666316330390801106630626139663338663162653863636608041313131313');
INSERT INTO lexical_data VALUES (824633720833, X'000000761130306630326136663763656436383936310a0110323032373232653261363165353931340a011033613566383562633236636330616338090110363934376461313366633861666139380a0110643263306330653430643632353634660901106535313964323362303164303263323909041313131313');
INSERT INTO lexical_data VALUES (962072674305, X'0000003d1130316635346533663036343038383138380b0110326636633263383165643836303062610b0110393633623135633931313834386162620b041313');
INSERT INTO lexical_data VALUES (1099511627777, X'0000003d1130343933396535363763633634623236640c0110383364393731636665356334303532630c0110623866383437373334633837333030370c041313');
DELETE FROM lexical_idx;
INSERT INTO lexical_idx VALUES (1, X'', 2);
INSERT INTO lexical_idx VALUES (2, X'', 2);
INSERT INTO lexical_idx VALUES (3, X'', 2);
INSERT INTO lexical_idx VALUES (4, X'', 2);
INSERT INTO lexical_idx VALUES (5, X'', 2);
INSERT INTO lexical_idx VALUES (6, X'', 2);
INSERT INTO lexical_idx VALUES (7, X'', 2);
INSERT INTO lexical_idx VALUES (8, X'', 2);
DELETE FROM lexical_config;
INSERT INTO lexical_config VALUES ('version', 4);
COMMIT;
