"""The write lock is taken from a writer that has ended, and never from one that still writes."""

import sys
import threading

import pytest

from lightmem_integrations.storage.sqlite.write_lock import Hold

LOOKS = 20_000


@pytest.fixture
def quick_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_a_writer_busy_in_generators_is_seen_to_run(quick_switches):
    """Generators come and go on its stack, as the blocks of ``with`` statements do."""
    holds, began, stop = [], threading.Event(), threading.Event()

    def count_down(n):
        if n:
            yield from count_down(n - 1)
        yield n

    def write():
        holds.append(Hold(sys._getframe(0)))
        began.set()
        while not stop.is_set():
            list(count_down(5))

    writer = threading.Thread(target=write)
    writer.start()
    began.wait()
    missed = sum(not holds[0].runs() for _ in range(LOOKS))
    stop.set()
    writer.join()
    assert missed == 0
    assert not holds[0].runs()


def test_a_writer_that_was_interrupted_no_longer_runs():
    kept = []

    def write():
        kept.append(Hold(sys._getframe(0)))
        raise KeyboardInterrupt

    try:
        write()
    except KeyboardInterrupt as error:
        interrupt = error  # its traceback keeps the frame, as every notebook does
    assert not kept[0].runs()
    assert interrupt.__traceback__ is not None
