"""After forget, nothing that was made of a turn is left in any file, also after consolidating."""

import datetime as dt
from dataclasses import replace

import pytest

from lightmem_integrations import Settings, Turn
from lightmem_integrations.storage.packed_vectors import PackedVectors
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)


class Rewording(ScriptedWriter):
    """Adds words of its own, as a model does, so that a scan finds them apart from the turns."""

    def write(self, turns):
        draft = super().write(turns)
        secret = any("CANARY" in turn.text for turn in turns)
        if not secret:
            return draft
        facts = tuple(
            replace(fact, statement=f"{fact.statement} STATEMENTcanary", entities=("NAMEcanary",))
            for fact in draft.facts
        )
        return replace(
            draft, summary="SUMMARYcanary of it", keywords=("KEYWORDcanary",),
            entities=("ENTITYcanary",), speakers=("SPEAKERcanary",), facts=facts,
        )  # fmt: skip


def in_files(folder, needles):
    return {
        name
        for path in folder.rglob("*")
        if path.is_file()
        for name, needle in needles.items()
        if needle in path.read_bytes()
    }


@pytest.mark.sqlite("scans the files of a folder")
@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize(
    "what", [{}, {"session_id": "secret"}, {"turn_ids": ["t0"]}, {"since": MAY}]
)
def test_no_byte_is_left_on_disk(open_memory, consolidated, tmp_path, what, background):
    folder = tmp_path / "store"
    memory = open_memory(folder, settings=Settings(background_indexing=background, shards=2))
    for number in range(5):
        memory.add(
            [Turn(role="user", text=f"Bo.likes + plain{number}{n}") for n in range(9)],
            user_id=f"other {number % 2}",
        )
    memory.add(Turn(role="user", text="Eva.home = Rome", time=MAY - dt.timedelta(days=9)),
               user_id="ann", session_id="plain")  # fmt: skip
    memory.add(
        [
            Turn(role="user", text="Eva.home = CANARYvalue", id="t0", time=MAY),
            Turn(role="user", text="Eva.pet + CANARYpet", id="t1", time=MAY),
            Turn(role="user", text="Eva.car + CANARYcar", id="t2", time=MAY),
        ],
        user_id="ann", session_id="secret",
    )  # fmt: skip
    memory.index_pending()
    consolidated(memory, writer=Rewording(), size=9)
    for fact in memory.facts(user_id="ann"):
        if fact.value == "CANARYpet":
            memory.edit(fact.id, user_id="ann", value="EDITcanary", reason="WHYcanary")
        if fact.value == "CANARYcar":
            memory.retract(fact.id, user_id="ann", reason="REASONcanary")
    memory.add(Turn(role="user", text="Eva.x = CANARYlate", time=MAY), user_id="ann",
               session_id="secret")  # fmt: skip

    class Quoting(ScriptedWriter):
        def write(self, turns):
            raise ValueError(f"cannot read {turns[0].text} FAILUREcanary")

    consolidated(memory, writer=Quoting())
    embedder = HashEmbedder()
    made = {
        "summary vector": "SUMMARYcanary of it",
        "fact vector": "Eva home CANARYvalue. STATEMENTcanary",
    }
    needles = {
        name: PackedVectors.of(embedder.embed_documents([text])).codes.tobytes()
        for name, text in made.items()
    } | {
        each: each.encode()
        for each in ("CANARYvalue", "SUMMARYcanary", "KEYWORDcanary", "ENTITYcanary",
                     "STATEMENTcanary", "canaryvalu", "summarycanari", "SPEAKERcanary",
                     "FAILUREcanary", "NAMEcanary", "namecanary")
    }  # fmt: skip
    people = {each: each.encode() for each in ("EDITcanary", "WHYcanary", "REASONcanary")}
    assert in_files(folder, needles | people) == set(needles | people), "the scan sees it all"

    receipt = memory.forget(user_id="ann", **what)
    assert receipt.episodes
    assert receipt.facts
    needles |= people
    assert in_files(folder, needles) == set()
    consolidated(memory, size=9, clock=lambda: 4e9)
    assert in_files(folder, needles) == set()
    memory.close()
    assert in_files(folder, needles) == set()


def test_what_is_left_is_consolidated_without_what_is_gone(open_memory, consolidated):
    memory = open_memory()
    memory.add(
        [
            Turn(role="user", text="Eva.home = CANARY", id="t0", time=MAY),
            Turn(role="user", text="Eva.pet + cat", id="t1", time=MAY),
        ],
        user_id="ann",
    )
    consolidated(memory, writer=Rewording())
    memory.forget(user_id="ann", turn_ids=["t0"])
    consolidated(memory, writer=Rewording())
    (episode,) = memory.episodes(user_id="ann")
    assert episode.summary == "Eva.pet + cat"
    (fact,) = memory.facts(user_id="ann")
    assert fact.statement == "Eva pet cat."
