-- What the user asks for in a turn beyond it, in the turn's words: JSON, a list of [kind, whether it
-- says that something is over, the words].

ALTER TABLE turns ADD COLUMN wishes TEXT;
CREATE INDEX turns_wishes ON turns (user) WHERE wishes IS NOT NULL;
