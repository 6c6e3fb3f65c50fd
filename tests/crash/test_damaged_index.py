"""An index that is missing, damaged or behind is found at opening and rebuilt from the ledger.

Each reopening runs in a process of its own: some damages make Chroma hang or crash whoever opens
it, and then the test must fail, not the test run.
"""

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lightmem_integrations import LightMem, Settings, Turn
from random_words import EMBEDDER, RandomWords
from thorough import THOROUGH

pytestmark = pytest.mark.sqlite("files of a folder's index are damaged")

FILES = ["data_level0.bin", "header.bin", "length.bin", "link_lists.bin", "index_metadata.pickle"]
OTHERS = ["chroma.sqlite3", "current", "closed-cleanly.json"]
ACTIONS = ["halved", "emptied", "removed", "zeroed"]
BROKEN = ["kill9_failed_to_apply_logs", "kill9_pickle_eof", "three_writers_count_hangs"]
USERS, TURNS = 2, 600  # over 1,000, from which on Chroma writes files
# Without columns in memory, every user is in the index.
SETTINGS = {"background_indexing": False, "shards": 1, "check_timeout_seconds": 8.0,
            "column_mebibytes": 0}  # fmt: skip


def pairs(files):
    """Each file with each damage; one damage of each file, unless all are wanted."""
    return [
        (file, action)
        for row, file in enumerate(files)
        for column, action in enumerate(ACTIONS)
        if THOROUGH or (row + column) % len(ACTIONS) == 0
    ]


REOPEN = (
    EMBEDDER
    + """
import json, sys
from lightmem_integrations import LightMem, Settings
from pathlib import Path
from lightmem_integrations import ChromaIndex
from lightmem_integrations.models.embedders import encoded_query
from lightmem_integrations.storage.sqlite.ledger import SqliteLedger
from lightmem_integrations.storage.users import find_user

embedder = RandomWords()
memory = LightMem(sys.argv[1], embedder=embedder, settings=Settings(**json.loads(sys.argv[2])))
early = [hit.text for hit in memory.recall("item 7 of user 1", user_id="user 1").hits]
memory.index_pending()
memory.recall("item 7", user_id="user 1", strict=True)  # must not need to degrade
stats, users = memory.stats(), memory.users()
memory.close()
folder, found = Path(sys.argv[1]), {}
ledger = SqliteLedger(f"sqlite:///{folder / 'ledger.sqlite'}")
index = ChromaIndex.embedded(folder / "index", shards=1)
for user_id in users:
    with ledger.read() as connection:
        user = find_user(connection, user_id)
    for query in ("item 7 colour", "shade 11 shape", "thing 301 place"):
        vector = encoded_query(embedder, query)[0]
        items = index.search(user.key, vector, 10, size=user.searchable)
        found[user_id + query] = [each.id for each in items]
print(json.dumps({"early": early, "found": found, "index": stats.index, "turns": stats.turns}))
index.close()
ledger.close()
"""
)


@pytest.fixture
def reopened(programs):
    """What a new process finds in the store; fails if it crashes or hangs."""

    def reopened(path: Path) -> dict:
        done = programs.run(REOPEN, path, json.dumps(SETTINGS), timeout=60)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return reopened


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A closed store, large enough that Chroma has written its index files."""
    path = tmp_path_factory.mktemp("whole") / "store"
    words = ("colour", "shape", "place", "shade", "thing")
    with LightMem(path, embedder=RandomWords(), settings=Settings(**SETTINGS)) as memory:
        for number in range(USERS):
            memory.add(
                [
                    Turn(role="user", text=f"item {n} of user {number}: {words[n % 5]} {n % 97}")
                    for n in range(TURNS)
                ],
                user_id=f"user {number}",
            )
        memory.index_pending()
        memory.reindex()  # writes the pointer to the current generation, which may be damaged too
    assert segment(path)
    return path


@pytest.fixture(scope="module")
def oracle(whole, tmp_path_factory):
    """What exact search over the ledger's vectors finds."""
    from lightmem_integrations.models.embedders import encoded_query
    from lightmem_integrations.storage.index import nearest
    from lightmem_integrations.storage.sqlite.ledger import SqliteLedger
    from lightmem_integrations.storage.turn_vectors import user_vectors
    from lightmem_integrations.storage.users import find_user, list_users

    path = tmp_path_factory.mktemp("oracle") / "store"
    shutil.copytree(whole, path)
    embedder = RandomWords()
    found = {}
    ledger = SqliteLedger(f"sqlite:///{path / 'ledger.sqlite'}")
    with ledger.read() as connection:
        for user_id in list_users(connection):
            user = find_user(connection, user_id)
            rows, matrix = user_vectors(connection, user.row)
            for query in ("item 7 colour", "shade 11 shape", "thing 301 place"):
                items = nearest(rows, matrix, encoded_query(embedder, query)[0], 10)
                found[user_id + query] = [each.id for each in items]
    ledger.close()
    return found


def segment(path: Path) -> Path | None:
    """The folder of Chroma's index files."""
    return next((each.parent for each in path.rglob("data_level0.bin")), None)


def damage(file: Path, action: str) -> None:
    content = file.read_bytes()
    if action == "halved":
        file.write_bytes(content[: len(content) // 2])
    elif action == "emptied":
        file.write_bytes(b"")
    elif action == "removed":
        file.unlink()
    else:
        file.write_bytes(bytes(len(content)))


def assert_whole(answer: dict, oracle: dict) -> None:
    assert answer["turns"] == USERS * TURNS
    assert answer["index"] == "ready"
    assert answer["early"]
    assert answer["found"] == oracle


def test_an_undamaged_store_is_not_rebuilt(whole, oracle, reopened, tmp_path):
    path = tmp_path / "store"
    shutil.copytree(whole, path, copy_function=shutil.copy2)
    before = segment(path)
    assert_whole(reopened(path), oracle)
    assert segment(path) == before


@pytest.mark.slow
@pytest.mark.parametrize(("file", "action"), pairs(FILES))
def test_one_damaged_file_costs_nothing(whole, oracle, reopened, tmp_path, file, action):
    path = tmp_path / "store"
    shutil.copytree(whole, path)
    target = segment(path) / file
    if not target.exists():
        pytest.skip(f"this version of Chroma wrote no {file}")
    damage(target, action)
    assert_whole(reopened(path), oracle)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "action"), pairs(OTHERS))
def test_other_files_of_the_index_may_be_damaged_too(
    whole, oracle, reopened, tmp_path, name, action
):
    path = tmp_path / "store"
    shutil.copytree(whole, path)
    damage(next(path.rglob(name)), action)
    assert_whole(reopened(path), oracle)


def test_an_index_that_is_missing_is_built(whole, oracle, reopened, tmp_path):
    path = tmp_path / "store"
    shutil.copytree(whole, path, ignore=shutil.ignore_patterns("index"))
    assert_whole(reopened(path), oracle)


def test_an_index_that_is_behind_is_noticed(whole, oracle, reopened, tmp_path):
    path, old = tmp_path / "store", tmp_path / "old index"
    shutil.copytree(whole, path)
    shutil.copytree(path / "index", old)
    with LightMem(path, embedder=RandomWords(), settings=Settings(**SETTINGS)) as memory:
        memory.add(Turn(role="user", text="A new item.", id="new"), user_id="user 9")
        memory.index_pending()
    shutil.rmtree(path / "index")
    shutil.copytree(old, path / "index")
    with LightMem(path, embedder=RandomWords(), settings=Settings(**SETTINGS)) as memory:
        memory.index_pending()
        assert memory.recall("new item", user_id="user 9", strict=True).hits[0].turns[0].id == "new"
        memory.forget(user_id="user 9")
    assert_whole(reopened(path), oracle)


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_stores_that_real_accidents_left_behind(
    whole, oracle, reopened, tmp_path, shared_data, name
):
    path = tmp_path / "store"
    shutil.copytree(whole, path)
    with tarfile.open(shared_data / "broken-chroma-stores.tar.gz") as archive:
        # Not every Python 3.10 and 3.11 knows the filter, which the later ones ask for.
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(tmp_path, **safely)
    generation = next((path / "index").glob("generation-*"))
    shutil.rmtree(generation)
    shutil.copytree(tmp_path / name, generation)
    assert_whole(reopened(path), oracle)


def test_a_damaged_ledger_is_our_error(whole, tmp_path):
    path = tmp_path / "store"
    shutil.copytree(whole, path)
    ledger = path / "ledger.sqlite"
    ledger.write_bytes(b"\0" * ledger.stat().st_size)
    script = """
import sys
from lightmem_integrations import LedgerError, LightMem
try:
    LightMem(sys.argv[1])
except LedgerError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ledger" in done.stdout
