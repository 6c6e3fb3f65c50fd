"""The page is for who has its address: not for other sites, other programs, or what is stored."""

import re

import pytest
from starlette.routing import Route

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.web.page.app import page

TOKEN = "token-of-the-tests"
CANARIES = [
    "<script>alert('canary')</script>",
    "\"'><img src=x onerror=alert(1)>",
    "canary\u202eback\u2066wards",
    "one\nline\r\nand more\t{{ 7777 * 7777 }}",
    "</textarea></title><svg onload=alert(2)>&lt;",
]


def changes_of(app):
    """Addresses that change something."""
    routes = [each for each in app.routes if isinstance(each, Route)]
    return [each.path for each in routes if "POST" in each.methods]


def test_without_the_token_nothing_is_shown(open_memory, browse):
    memory = open_memory()
    memory.add(Turn(role="user", text="secret"), user_id="alice")
    stranger = browse(memory, signed_in=False)
    for path in ("/", "/timeline?user=alice", "/facts?user=alice", "/nowhere"):
        refused = stranger.get(path)
        assert refused.status_code == 401
        assert "alice" not in refused.text
        assert "secret" not in refused.text
        assert "a temporary store" not in refused.text
    assert stranger.get("/", params={"token": "wrong"}).status_code == 403
    assert stranger.get("/", params={"token": ""}).status_code == 403
    assert not stranger.cookies


def test_a_cookie_of_another_page_opens_nothing(open_memory, browse):
    first = browse(open_memory())
    other = page(open_memory(), token="another")
    stranger = type(first)(other, base_url="http://127.0.0.1:8000", cookies=dict(first.cookies))
    assert stranger.get("/").status_code == 401


def test_the_token_leaves_the_address_and_becomes_a_cookie(open_memory, browse):
    stranger = browse(open_memory(), signed_in=False)
    begun = stranger.get("/timeline?user=a%26b&token=" + TOKEN, follow_redirects=False)
    assert begun.status_code == 303
    assert begun.headers["location"] == "/timeline?user=a%26b"
    cookie = begun.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert stranger.get("/").status_code == 200


def test_the_way_in_leads_to_no_other_host(open_memory, browse):
    stranger = browse(open_memory(), signed_in=False)
    for path in ("//evil.example/", "//evil.example//x", "/\\evil.example"):
        begun = stranger.get(
            f"http://127.0.0.1:8000{path}?token={TOKEN}", follow_redirects=False
        )  # fmt: skip
        assert not re.match(r"[/\\]{2}|\w+:", begun.headers["location"])


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8000", "127.0.0.1.evil.example", "127.0.0.1@evil", "", "[",
        "127.0.0.1/static/?", "127.0.0.1:80/static/#", "evil@127.0.0.1", "127.0.0.1:x",
    ],
)  # fmt: skip
def test_a_foreign_name_for_this_machine_is_refused(open_memory, browse, host):
    browser = browse(open_memory())
    refused = browser.get("/", headers={"host": host})
    assert refused.status_code == 421
    assert "alice" not in refused.text


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_names_of_this_machine_are_known(open_memory, browse, host):
    stranger = browse(open_memory(), signed_in=False)
    assert stranger.get("/", headers={"host": host}).status_code == 401


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9000", "https://127.0.0.1:8000", ""]
)
def test_a_change_from_another_origin_is_refused(open_memory, browse, origin):
    browser = browse(open_memory())
    refused = browser.submit(changes_of(browser.app)[0], user="alice", headers={"origin": origin})
    assert refused.status_code == 403
    assert "Origin" in refused.text


@pytest.mark.parametrize("proof", ["", "wrong", "\u00e9"])
def test_a_change_without_the_pages_proof_is_refused(open_memory, browse, proof):
    browser = browse(open_memory())
    refused = browser.submit(changes_of(browser.app)[0], proof=proof, user="alice")
    assert refused.status_code == 403
    assert "form" in refused.text


def test_every_change_asks_for_the_proof_and_is_refused_when_reading_only(open_memory, browse):
    memory = open_memory()
    memory.add(Turn(role="user", text="x", id="t"), user_id="alice")
    browser, reader = browse(memory), browse(memory, read_only=True)
    for path in changes_of(browser.app):
        assert browser.submit(path, proof="", user="alice").status_code == 403, path
        refused = reader.submit(path, user="alice")
        assert refused.status_code == 403, path
        assert "reading only" in refused.text


def test_every_response_carries_a_strict_policy(open_memory, browse):
    browser, stranger = browse(open_memory()), browse(open_memory(), signed_in=False)
    answers = [
        browser.get("/"),
        browser.get("/static/page.css"),
        browser.get("/nowhere"),
        browser.get("/timeline"),
        browser.get("/", headers={"host": "evil"}),
        browser.post("/", headers={"origin": "http://evil"}),
        browser.post("/"),
        browser.post("/", content=b"x" * 2_000_000),
        stranger.get("/"),
        stranger.get("/", params={"token": TOKEN}, follow_redirects=False),
    ]
    assert {200, 303, 401, 403, 404, 405, 413, 421} == {each.status_code for each in answers}
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        for rule in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
            assert rule in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_no_style_or_script_stands_within_a_page(open_memory, browse):
    memory = open_memory()
    memory.add(Turn(role="user", text="x"), user_id="alice")
    browser = browse(memory)
    for path in ("/", "/timeline?user=alice", "/facts?user=alice", "/nowhere"):
        text = browser.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
        assert re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL) == [""]
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text)


def test_a_body_without_end_is_not_read(open_memory, browse):
    browser = browse(open_memory())
    pieces = (b"user=" + b"x" * 100_000 for _ in range(1_000))
    kind = {"content-type": "application/x-www-form-urlencoded", "origin": "http://127.0.0.1:8000"}
    assert browser.post(changes_of(browser.app)[0], content=pieces, headers=kind).status_code == 413


@pytest.mark.parametrize("canary", CANARIES)
def test_what_is_stored_is_shown_and_never_obeyed(open_memory, browse, tmp_path, canary):
    folder = tmp_path / "<b>store"
    memory = open_memory(folder)
    turn = Turn(role="user", text=canary, speaker=canary, metadata={canary: canary}, id=canary)
    memory.add(turn, user_id=canary, session_id=canary, agent_id=canary)
    browser = browse(memory)
    views = [
        browser.get("/"),
        browser.show("/", q=canary),
        browser.show("/timeline", user=canary),
        browser.show("/timeline", user=canary, session=canary),
        browser.show("/timeline", user=canary, session=canary, turn=canary),
        browser.show("/facts", user=canary, q=canary),
        browser.show("/facts", user=canary + "x"),
        browser.show("/timeline", user="x", space=canary),
    ]
    for view in views:
        assert view.status_code in (200, 400, 403, 404)
        assert not re.search(r"<(?:b>|img|svg on|script>)", view.text)
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", re.sub(r'="[^"]*"', "", view.text))
        assert "60481729" not in view.text


def test_an_error_shows_nothing_of_the_program(open_memory, browse, monkeypatch, caplog):
    memory = open_memory()

    def broken(*_, **__):
        raise RuntimeError("a secret of alice")

    monkeypatch.setattr(LightMem, "users", broken)
    answer = browse(memory, signed_in=False).get("/", params={"token": TOKEN})
    assert answer.status_code == 500
    for word in ("Traceback", "RuntimeError", "secret", ".py"):
        assert word not in answer.text
    assert "content-security-policy" in answer.headers
    assert "RuntimeError" in caplog.text


def test_a_closed_store_is_said_and_not_shown_as_an_empty_one(open_memory, browse):
    memory = open_memory()
    browser = browse(memory)
    memory.close()
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "closed" in answer.text
