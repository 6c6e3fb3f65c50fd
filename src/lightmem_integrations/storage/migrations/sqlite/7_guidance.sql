-- Turns in which the user says how later requests are to be met: 1 an instruction that stands, 2 a
-- preference.

ALTER TABLE turns ADD COLUMN guidance SMALLINT;
CREATE INDEX turns_guidance ON turns (user, guidance) WHERE guidance IS NOT NULL;
