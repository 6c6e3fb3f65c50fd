-- Until when turns and facts are kept, which of them never go by themselves, and how much they
-- count.

ALTER TABLE turns ADD COLUMN expires_at DOUBLE;
ALTER TABLE turns ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE turns ADD COLUMN importance DOUBLE NOT NULL DEFAULT 0;
CREATE INDEX turns_expiring ON turns (user, expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX turns_pinned ON turns (user) WHERE pinned;
ALTER TABLE facts ADD COLUMN expires_at DOUBLE;
ALTER TABLE facts ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE facts ADD COLUMN importance DOUBLE NOT NULL DEFAULT 0;
CREATE INDEX facts_expiring ON facts (user, expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX facts_pinned ON facts (user) WHERE pinned;
