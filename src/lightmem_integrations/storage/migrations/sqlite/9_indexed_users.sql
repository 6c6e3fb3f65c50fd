-- Users whose turns the vector index holds: the large ones. Until now all users were in it.

ALTER TABLE users ADD COLUMN "indexed" BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE users SET "indexed" = TRUE;
