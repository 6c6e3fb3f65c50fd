-- Identifiers as they were given: until now a NUL stood as the characters 1 2, and a 1 as 1 1.

UPDATE users SET name =
    replace(replace(replace(name, char(1, 1), char(1, 3)), char(1, 2), char(0)), char(1, 3), char(1))
WHERE instr(name, char(1));

UPDATE sessions SET name =
    replace(replace(replace(name, char(1, 1), char(1, 3)), char(1, 2), char(0)), char(1, 3), char(1))
WHERE instr(name, char(1));

UPDATE turns SET name =
    replace(replace(replace(name, char(1, 1), char(1, 3)), char(1, 2), char(0)), char(1, 3), char(1))
WHERE instr(name, char(1));

UPDATE turns SET agent =
    replace(replace(replace(agent, char(1, 1), char(1, 3)), char(1, 2), char(0)), char(1, 3), char(1))
WHERE instr(agent, char(1));

UPDATE facts SET agent =
    replace(replace(replace(agent, char(1, 1), char(1, 3)), char(1, 2), char(0)), char(1, 3), char(1))
WHERE instr(agent, char(1));

UPDATE assertions SET agent =
    replace(replace(replace(agent, char(1, 1), char(1, 3)), char(1, 2), char(0)), char(1, 3), char(1))
WHERE instr(agent, char(1));

UPDATE documents SET name =
    replace(replace(replace(name, char(1, 1), char(1, 3)), char(1, 2), char(0)), char(1, 3), char(1))
WHERE instr(name, char(1));
