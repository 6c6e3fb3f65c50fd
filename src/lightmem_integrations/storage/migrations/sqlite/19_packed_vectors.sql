-- Vectors are written in 8 bits a number from here on. Older versions cannot read these: they are
-- shut out. Those in half precision stay as they are, and are read beside them.

INSERT INTO meta (name, value) VALUES ('least_version', '19')
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
