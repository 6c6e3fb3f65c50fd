"""An error leads to its section on the page for troubleshooting."""

import pickle
import re
import sys
import traceback
from pathlib import Path

import pytest

from lightmem_integrations import LightMem, LightMemError, MissingExtraError, ScopeError, errors

PAGE = Path(__file__).parents[2] / errors.TROUBLESHOOTING
ERRORS = [value for value in vars(errors).values() if isinstance(value, type)]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_each_error_has_a_section_that_says_cause_and_remedy(error):
    page = PAGE.read_text(encoding="utf-8")
    told = re.findall(rf"^## {error.__name__}\n\n(.+?)(?=\n## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert len(told) == 1
    assert error is LightMemError or len(told[0].strip().split("\n\n")) >= 2


def test_no_section_is_about_an_error_that_is_gone():
    named = re.findall(r"^## (\w+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert named == [error.__name__ for error in ERRORS]


def test_a_traceback_names_the_section_and_the_message_does_not():
    with LightMem() as memory, pytest.raises(ScopeError) as raised:
        memory.recall("Where?", user_id="*")
    error = raised.value
    assert error.url == "docs/troubleshooting.md#scopeerror"
    assert error.url not in str(error)
    if sys.version_info >= (3, 11):
        assert error.url in "".join(traceback.format_exception(error))


def test_a_pickled_error_says_it_once():
    error = pickle.loads(pickle.dumps(ScopeError("nobody")))
    assert str(error) == "nobody"
    assert "".join(traceback.format_exception(error)).count(error.url) == (
        1 if sys.version_info >= (3, 11) else 0
    )


def test_an_error_with_a_message_of_its_own_does_too():
    error = MissingExtraError("LightMemStore", "agents", "langgraph")
    assert error.url == "docs/troubleshooting.md#missingextraerror"
    if sys.version_info >= (3, 11):
        assert error.url in "".join(traceback.format_exception(error))
