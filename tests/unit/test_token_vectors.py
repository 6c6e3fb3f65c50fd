"""Token vectors as they are stored: in how many bytes, and as earlier versions stored them."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.models.token_vectors import DIMENSIONS, products

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("reads and writes the file")]

SAID = [
    "My daughter Nora starts school in Lisbon in September.",
    "We watched a heron on the river near the old mill.",
    "I moved to the harbour quarter because the rent was lower.",
    "Rent is due on the third of each month.",
    "The dentist wants to see me again about the molar.",
]


@pytest.fixture
def store(tmp_path):
    with LightMem(tmp_path, settings=Settings(background_indexing=False)) as memory:
        memory.add([Turn(role="user", text=text) for text in SAID], user_id="ann")
        memory.index_pending()
    return tmp_path


def found(folder) -> list[tuple[str, float]]:
    with LightMem(folder) as memory:
        result = memory.recall("How much is the rent?", user_id="ann", strict=True)
    return [(hit.text, hit.parts["maxsim"]) for hit in result.hits]


def test_a_token_takes_64_bytes(store):
    with closing(sqlite3.connect(store / "ledger.sqlite")) as ledger:
        blobs = [blob for (blob,) in ledger.execute("SELECT tokens FROM vectors")]
    assert len(blobs) == len(SAID)
    words = sum(len(text.split()) for text in SAID)
    assert 0.3 * words < sum(map(len, blobs)) / 64 < 1.2 * words


@pytest.mark.parametrize("kept", [0, 2])
def test_token_vectors_of_earlier_versions_are_compared_all_the_same(store, kept):
    """A number took a byte, and all together nothing besides."""
    before = found(store)
    with closing(sqlite3.connect(store / "ledger.sqlite")) as ledger, ledger:
        rows = ledger.execute("SELECT turn, tokens FROM vectors ORDER BY turn").fetchall()
        for turn, blob in rows[kept:]:
            tokens, _ = products([blob], np.eye(DIMENSIONS, dtype=np.float32))
            earlier = np.rint(tokens * 254).astype(np.int8).tobytes()
            ledger.execute("UPDATE vectors SET tokens = ? WHERE turn = ?", (earlier, turn))
    after = found(store)
    assert [text for text, _ in after] == [text for text, _ in before]
    assert [value for _, value in after] == pytest.approx([value for _, value in before], abs=0.05)
