"""The background thread: it repeats its step, rests, backs off, and ends with its owner."""

import gc
import subprocess
import sys
import threading
import time

from lightmem_integrations import StoreClosedError
from lightmem_integrations.engine.background import Loop


class Work:
    """Answers each step with the next of its outcomes: seconds to rest, or an error."""

    def __init__(self, *outcomes, backoff=(30.0, 30.0)):
        self.outcomes = list(outcomes)
        self.times = []
        self.changed = threading.Condition()
        self.loop = Loop(self.step, "testing", backoff=backoff)

    def step(self):
        outcome = self.outcomes.pop(0) if self.outcomes else None
        with self.changed:
            self.times.append(time.monotonic())
            self.changed.notify_all()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def wait_for(self, steps, seconds=10.0):
        with self.changed:
            return self.changed.wait_for(lambda: len(self.times) >= steps, timeout=seconds)


def test_it_rests_as_long_as_the_step_says_and_then_until_woken():
    work = Work(0.05, None)
    work.loop.start()
    assert work.wait_for(2)
    assert work.times[1] - work.times[0] >= 0.05
    assert not work.wait_for(3, seconds=0.2)
    work.loop.wake()
    assert work.wait_for(3)
    assert work.loop.stop()


def test_after_a_failure_it_rests_longer_each_time_and_nothing_wakes_it(caplog):
    work = Work(OSError("disk full"), OSError("disk full"), None, backoff=(0.2, 10.0))
    work.loop.start()
    assert work.wait_for(1)
    time.sleep(0.05)
    work.loop.wake()
    assert work.wait_for(3)
    first, second, third = work.times
    assert second - first >= 0.2
    assert third - second >= 0.4
    assert caplog.text.count("Testing failed; again in 0 s: disk full") == 2
    work.loop.stop()


def test_the_pause_does_not_grow_without_end():
    work = Work(*[OSError() for _ in range(6)], backoff=(0.01, 0.02))
    begun = time.monotonic()
    work.loop.start()
    assert work.wait_for(7)
    assert time.monotonic() - begun < 0.6  # 6 doublings of 0.01 s would take 0.63 s
    work.loop.stop()


def test_what_comes_at_nearly_the_same_time_is_done_together():
    work = Work()
    work.loop = Loop(work.step, "testing", backoff=(1.0, 1.0), gather_seconds=0.3)
    work.loop.start()
    for _ in range(5):
        work.loop.wake()
        time.sleep(0.01)
    assert work.wait_for(1)
    assert not work.wait_for(2, seconds=0.5)
    work.loop.stop()


def test_a_closed_store_or_a_cancelled_future_ends_it():
    closed, cancelled = Work(StoreClosedError("closed")), Work(0.01, 0.01)
    closed.loop.start()
    assert closed.loop.ended.result(timeout=10) is None
    cancelled.loop.start(after=60)
    assert cancelled.loop.ended.cancel()
    assert cancelled.loop.stop(timeout=10)
    assert cancelled.times == []


def test_it_does_not_keep_its_owner_alive():
    work = Work(None)
    work.loop.start()
    assert work.wait_for(1)
    ended = work.loop.ended
    del work
    gc.collect()
    assert ended.result(timeout=10) is None


def test_it_can_be_stopped_from_its_own_step():
    class Once(Work):
        def step(self):
            super().step()
            self.stopped = self.loop.stop()

    work = Once()
    work.loop.start()
    work.loop.ended.result(timeout=10)
    assert work.stopped
    assert len(work.times) == 1


def test_told_to_end_just_before_a_step_it_does_not_rest_for_ever():
    work = Work()

    class ToldNow(threading.Event):
        def clear(self):
            work.loop.stop()
            super().clear()

    work.loop._wake = ToldNow()
    work.loop.start()
    assert work.loop.ended.result(timeout=10) is None


def test_a_memory_left_unclosed_says_nothing_at_the_end_of_the_interpreter(tmp_path):
    # A module that is taken down last holds both, so that the memory goes when little is left.
    script = """
import os, sys
from lightmem_integrations import LightMem, Turn
from lightmem_integrations.engine import background
os.background, os.memory = background, LightMem(sys.argv[1])
os.memory.add(Turn(role="user", text="I live in Lisbon."), user_id="ann")
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
