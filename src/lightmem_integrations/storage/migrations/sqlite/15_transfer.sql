-- Memory that came from another store. ``first_row`` is the row of its user there, which the digests
-- of refusals hold. ``staged`` says how far an import has come that is not over: until then nobody
-- sees the user.

ALTER TABLE users ADD COLUMN first_row INTEGER;
ALTER TABLE users ADD COLUMN staged TEXT;
