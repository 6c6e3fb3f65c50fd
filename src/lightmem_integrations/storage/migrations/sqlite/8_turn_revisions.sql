-- What is kept in memory of a user's turns holds for one revision of them. ``rewritten`` is the
-- revision of the last write that did more than add turns or vectors. Triggers, so that nobody who
-- writes can forget it.

ALTER TABLE users ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN rewritten INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER turn_added AFTER INSERT ON turns BEGIN UPDATE users SET revision = revision + 1 WHERE id = NEW.user; END;
CREATE TRIGGER turn_rewritten AFTER UPDATE ON turns BEGIN UPDATE users SET revision = revision + 1, rewritten = revision + 1 WHERE id = NEW.user; END;
CREATE TRIGGER turn_erased AFTER DELETE ON turns BEGIN UPDATE users SET revision = revision + 1, rewritten = revision + 1 WHERE id = OLD.user; END;
CREATE TRIGGER vector_added AFTER INSERT ON vectors BEGIN UPDATE users SET revision = revision + 1 WHERE id = NEW.user; END;
CREATE TRIGGER vector_rewritten AFTER UPDATE ON vectors BEGIN UPDATE users SET revision = revision + 1, rewritten = revision + 1 WHERE id = NEW.user; END;
CREATE TRIGGER vector_erased AFTER DELETE ON vectors BEGIN UPDATE users SET revision = revision + 1, rewritten = revision + 1 WHERE id = OLD.user; END;
