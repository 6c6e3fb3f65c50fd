-- What kind of statement a fact is (state, event, plan, preference, instruction), and what speaks
-- against believing it.

ALTER TABLE facts ADD COLUMN kind TEXT NOT NULL DEFAULT 'state';
ALTER TABLE facts ADD COLUMN doubt TEXT;
ALTER TABLE assertions ADD COLUMN kind TEXT NOT NULL DEFAULT 'state';
ALTER TABLE assertions ADD COLUMN doubt TEXT;
