"""Users, spaces, grants and revokes at random: no recall ever gives anybody what is not theirs."""

import random
import re

import pytest

from lightmem_integrations import AccessError, Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from thorough import cases

# Of users and spaces alike: each name is somebody and, as another memory, some space.
NAMES = ["a", "A", "a ", "all", "None", "default", "u\0", "[a] A"]
CANARY = re.compile(r"canary\d+")


class World:
    """What a memory must know and allow, kept beside it in plain sets."""

    def __init__(self, memory, seed):
        self.memory = memory
        self.random = random.Random(seed)
        self.grants = {}  # (space, user): whether they may write
        self.owner = {}  # canary: ("user" or "space", name)
        self.foreign, self.of_spaces, self.refused = [], 0, 0

    def change(self):
        """Grant, replace a grant, revoke, or delete a space."""
        space, user = self.random.choice(NAMES), self.random.choice(NAMES)
        kind = self.random.random()
        if kind < 0.6:
            writes = self.random.random() < 0.6
            self.memory.spaces.grant(space, user_id=user, write=writes)
            self.grants[space, user] = writes
        elif kind < 0.98:
            known = self.grants.pop((space, user), None)
            assert self.memory.spaces.revoke(space, user_id=user) == (known is not None)
        else:
            self.memory.spaces.delete(space, purge=False)
            self.grants = {key: each for key, each in self.grants.items() if key[0] != space}
            self.owner = {n: each for n, each in self.owner.items() if each != ("space", space)}

    def add(self):
        """Say something that matches every question, and that names its memory by a canary."""
        user, space = self.random.choice(NAMES), self.random.choice([None, *NAMES, *NAMES])
        canary = f"canary{len(self.owner)}{self.random.randrange(10**9)}"
        said = Turn(role="user", text=f"Ann.pet{canary} + {canary} heron", id=canary)
        if space is not None and not self.grants.get((space, user)):
            with pytest.raises(AccessError):
                self.memory.add(said, user_id=user, space=space)
            return
        self.memory.add(said, user_id=user, space=space)
        self.owner[canary] = ("user", user) if space is None else ("space", space)

    def recall(self):
        """Ask for it as somebody, with spaces named, all of them, or none."""
        user = self.random.choice(NAMES)
        readable = [space for space, member in self.grants if member == user]
        few = self.random.sample(readable, min(len(readable), 2))
        spaces = self.random.choice([(), "all", few, self.random.sample(NAMES, 1)])
        if spaces != "all" and not set(spaces) <= set(readable):
            with pytest.raises(AccessError):
                self.memory.recall("heron pet of Ann", user_id=user, spaces=spaces)
            self.refused += 1
            return
        asked = readable if spaces == "all" else spaces
        found = self.memory.recall(
            "heron pet of Ann", user_id=user, spaces=spaces, k=8, max_tokens=600, strict=True
        )
        mine = {("user", user), *(("space", space) for space in asked)}
        for hit in (*found.hits, *found.further, *found.known):
            whose = ("user", user) if hit.source.space is None else ("space", hit.source.space)
            shown = [hit.text, *(turn.text for turn in (*hit.turns, *hit.neighbours))]
            for canary in CANARY.findall(" ".join(shown)):
                if self.owner.get(canary) != whose or whose not in mine:
                    self.foreign.append((canary, user, spaces))
            self.of_spaces += hit.source.space is not None
        for canary in CANARY.findall(found.text):
            if self.owner.get(canary) not in mine:
                self.foreign.append((canary, user, spaces))
        if any(whose in mine for whose in self.owner.values()):
            assert found.hits, "what one may read is found"

    def read(self):
        """Ask for what a space holds by every other verb."""
        user, space = self.random.choice(NAMES), self.random.choice(NAMES)
        memory, whose = self.memory, {"user_id": user, "space": space}
        for read in (memory.history, memory.short_term, memory.facts, memory.episodes):
            if (space, user) not in self.grants:
                with pytest.raises(AccessError):
                    read(**whose)
                continue
            for canary in CANARY.findall(repr(read(**whose))):
                if self.owner.get(canary) != ("space", space):
                    self.foreign.append((canary, user, space))


@pytest.mark.parametrize(
    "recalls", [300, pytest.param(cases(10_000), marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_no_recall_gives_anybody_what_is_not_theirs(open_memory, recalls):
    world = World(open_memory(embedder=HashEmbedder(16), writer=ScriptedWriter()), seed=recalls)
    for number in range(recalls):
        if number % 2 == 0:
            world.change()
        if number % 2 == 0 and number < 600:
            world.add()
        if number % 20 == 0:
            world.read()
        if number % 100 == 50 and number < 1_500:
            world.memory.consolidate()
        world.recall()
    assert world.foreign == []
    assert world.of_spaces > recalls // 10, "spaces were found in"
    assert world.refused > recalls // 20, "grants were missing"
