-- What an application says of a turn, as it was given, and once more value by value for filters:
-- ``element`` marks those of a list beside the list itself. ``value`` has no type, so that numbers
-- stay numbers and text stays text. Filters ask by agent and speaker, too.

ALTER TABLE turns ADD COLUMN metadata TEXT;
CREATE TABLE turn_metadata (
    user INTEGER NOT NULL,
    name TEXT NOT NULL,
    element BOOLEAN NOT NULL,
    kind TEXT NOT NULL,
    value NOT NULL,
    turn INTEGER NOT NULL,
    PRIMARY KEY (user, name, element, kind, value, turn),
    FOREIGN KEY(user) REFERENCES users (id)
) WITHOUT ROWID;
CREATE INDEX turns_by_agent ON turns (user, agent) WHERE agent IS NOT NULL;
CREATE INDEX turns_by_speaker ON turns (user, speaker) WHERE speaker IS NOT NULL;
