-- Turns that their conversation went on without, and the history whose branches may say so.

ALTER TABLE turns ADD COLUMN history TEXT;
ALTER TABLE turns ADD COLUMN searchable_before BOOLEAN;
CREATE INDEX turns_superseded ON turns (session) WHERE searchable_before IS NOT NULL;
