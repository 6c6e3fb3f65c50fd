"""Processes that a test may kill, without each importing everything anew."""

import pytest

from forked import Programs


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """Runs programs, each in a process of its own."""
    programs = Programs(tmp_path_factory.mktemp("programs"))
    yield programs
    programs.close()
