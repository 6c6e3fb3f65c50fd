"""The commands about spaces: who may read and write them, and what they hold."""

import json

import pytest
from typer.testing import CliRunner

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.cli import app

pytestmark = pytest.mark.slow


@pytest.fixture
def lightmem(tmp_path):
    """Runs a command on a store in which Ann told the household something."""
    with LightMem(tmp_path) as memory:
        memory.spaces.grant("family", user_id="ann", write=True)
        said = Turn(role="user", text="The wifi code is heron.")
        memory.add(said, user_id="ann", space="family")

    def run(*command, fails=False, **options):
        name, *arguments = map(str, command)
        place = [name, arguments.pop(0)] if name == "spaces" else [name]
        done = CliRunner().invoke(app, [*place, str(tmp_path), *arguments], **options)
        assert (done.exit_code != 0) == fails, done.output
        return done.output

    return run


def test_grants_are_given_listed_and_revoked(lightmem):
    assert "bob may read family" in lightmem("spaces", "grant", "family", "--user", "bob")
    assert "read and write" in lightmem("spaces", "list")
    (mine,) = json.loads(lightmem("spaces", "list", "--user", "bob", "--json"))
    assert (mine["space"], mine["user_id"], mine["write"]) == ("family", "bob", False)
    assert "no longer" in lightmem("spaces", "revoke", "family", "--user", "bob")
    assert json.loads(lightmem("spaces", "list", "--user", "bob", "--json")) == []


def test_a_recall_looks_into_spaces(lightmem):
    lightmem("spaces", "grant", "family", "--user", "bob")
    for spaces in (["--space", "family"], ["--all-spaces"]):
        assert "heron" in lightmem("recall", "What is the wifi code?", "--user", "bob", *spaces)
    refused = lightmem("recall", "wifi", "--user", "ann", "--space", "office", fails=True)
    assert "may not read the space 'office'" in refused
    assert "`lightmem spaces grant STORE SPACE --user USER`" in refused, "no method of Python's"


def test_whatever_works_on_a_users_memory_works_on_a_space(lightmem, tmp_path):
    ann = ["--user", "ann", "--space", "family"]
    with LightMem(tmp_path) as memory:
        said = Turn(role="user", text="Always answer in French.", id="wish")
        memory.add(said, user_id="ann", space="family")
    assert json.loads(lightmem("stats", *ann, "--json"))["turns"] == 2
    assert json.loads(lightmem("consolidate", *ann, "--json"))["written"] == 1
    assert json.loads(lightmem("stats", *ann, "--json"))["episodes"] == 1
    assert "French" in lightmem("profile", *ann, "--context")
    assert json.loads(lightmem("pin", "wish", *ann, "--json")) == {"pinned": 1}
    assert json.loads(lightmem("importance", 0.5, "wish", *ann, "--json")) == {"weighed": 1}
    assert json.loads(lightmem("unpin", "wish", *ann, "--json")) == {"unpinned": 1}
    lightmem("spaces", "grant", "family", "--user", "bob")
    bob = ["--user", "bob", "--space", "family"]
    for command in (["consolidate"], ["pin", "wish"], ["unpin", "wish"], ["importance", 1, "wish"]):
        assert "may not write" in lightmem(*command, *bob, fails=True)
    eve = ["--user", "eve", "--space", "family"]
    for command in ("stats", "profile", "consolidate", "pin"):
        assert "may not read" in lightmem(command, *eve, fails=True)
    mistyped = lightmem("pin", *ann, "--session", "defualt", fails=True)
    assert "did you mean 'default'?" in mistyped


def test_a_space_is_inspected_forgotten_and_deleted(lightmem):
    held = json.loads(lightmem("inspect", "--user", "ann", "--space", "family", "--json"))
    assert (held["turns"], held["space"]) == (1, "family")
    told = lightmem("forget", "--user", "ann", "--space", "family", "--yes", "--json")
    assert json.loads(told)["turns"] == 1
    mistyped = lightmem("spaces", "delete", "famly", fails=True)
    assert "no such space 'famly'; did you mean 'family'?" in mistyped
    assert "Erase" not in mistyped
    lightmem("spaces", "delete", "family", "--yes")
    assert "no such space" in lightmem("spaces", "delete", "family", "--yes", fails=True)
    assert json.loads(lightmem("spaces", "list", "--json")) == []
