"""The HTTP API: what the façade does, for the user of the token, and nothing for anybody else."""

import json

import httpx
import pytest

from lightmem_integrations import LedgerError, Turn

pytest.importorskip("fastapi")
pytest.importorskip("mcp")

from served import bearer, client, served, tool_call


@pytest.fixture
def alice(url):
    with client(url, "alice") as http:
        yield http
        assert http.post("/v1/forget", json={"everything": True}).status_code == 200


@pytest.fixture
def bob(url):
    with client(url, "bob") as http:
        yield http


def say(http, *texts, **more):
    turns = [{"role": "user", "text": text} for text in texts]
    response = http.post("/v1/turns", json={"turns": turns, **more})
    assert response.status_code == 201, response.text
    return response.json()


def refused(response, status, code):
    assert response.status_code == status, response.text
    assert set(response.json()) == {"error"}
    assert response.json()["error"]["code"] == code
    return response.json()["error"]["message"]


def test_what_was_said_is_recalled_listed_and_forgotten_with_a_receipt(alice):
    (turn,) = say(alice, "My boat is called Andorinha.", session_id="monday")
    found = alice.post("/v1/recall", json={"query": "What is my boat called?"}).json()
    assert found["hits"][0]["text"] == "My boat is called Andorinha."
    assert found["text"].startswith("<memory>")
    assert alice.get("/v1/sessions").json() == ["monday"]
    assert alice.get("/v1/sessions", params={"limit": 1, "latest": True}).json() == ["monday"]
    assert alice.get("/v1/sessions", params={"limit": 0}).status_code == 422
    history = alice.get("/v1/history", params={"session_id": "monday"}).json()
    assert [each["id"] for each in history] == [turn["id"]]
    window = alice.get("/v1/short-term", params={"session_id": "monday"}).json()
    assert window == history
    assert alice.get("/v1/stats").json()["turns"] == 1
    receipt = alice.post("/v1/forget", json={"turn_ids": [turn["id"]]}).json()
    assert (receipt["turns"], receipt["purged"]) == (1, True)
    assert alice.post("/v1/recall", json={"query": "What is my boat called?"}).json()["hits"] == []


def test_a_fact_says_how_exactly_its_dates_are_known(alice):
    say(alice, "Anne.home = Lisbon since 2019 until 2022-06")
    assert alice.post("/v1/consolidate", json={}).json()["facts"] == 1
    (fact,) = alice.get("/v1/facts", params={"include_past": True}).json()
    assert (fact["valid_from_precision"], fact["valid_to_precision"]) == ("year", "month")


def test_a_date_is_corrected_as_exactly_as_it_is_known(alice):
    say(alice, "Anne.home = Lisbon since 2019")
    assert alice.post("/v1/consolidate", json={}).json()["facts"] == 1
    (fact,) = alice.get("/v1/facts").json()

    def corrected(**change):
        return alice.patch(f"/v1/facts/{fact['id']}", json=change)

    for said, precision in (("2018", "year"), ("2018-02", "month"), ("2018-02-03", "day"),
                            ("2018-02-03T10:00:00Z", "day")):  # fmt: skip
        fact = corrected(valid_from=said).json()
        assert fact["valid_from"].startswith(said.removesuffix("Z"))
        assert fact["valid_from_precision"] == precision
    fact = corrected(valid_from="2018-W05").json()
    assert fact["valid_from"].startswith("2018-01-29")
    assert fact["valid_from_precision"] == "week"
    fact = corrected(valid_to="2022-06", value="Porto").json()
    assert fact["valid_to"].startswith("2022-06-30T23:59:59")
    assert (fact["valid_from_precision"], fact["valid_to_precision"]) == ("week", "month")
    for said in ("soon", "2018-13", "1700000000"):
        message = refused(corrected(valid_from=said), 422, "invalid_request")
        assert message.startswith(f"valid_from is {said!r}, which is no day, week, month or year")
    assert "valid_from" in refused(corrected(valid_from=2018), 422, "invalid_request")


def test_facts_are_explained_corrected_and_retracted(alice):
    say(alice, "Anne.home = Lisbon")
    assert alice.post("/v1/consolidate", json={}).json()["facts"] == 1
    (fact,) = alice.get("/v1/facts").json()
    explained = alice.get(f"/v1/facts/{fact['id']}").json()
    assert explained["evidence"][0]["turn"]["text"] == "Anne.home = Lisbon"
    assert (fact["valid_from_precision"], fact["valid_to_precision"]) == ("day", "day")
    new = alice.patch(f"/v1/facts/{fact['id']}", json={"value": "Porto"}).json()
    assert (new["value"], new["author"]) == ("Porto", "person")
    assert [each["id"] for each in alice.get("/v1/facts").json()] == [new["id"]]
    past = alice.get("/v1/facts", params={"include_past": True}).json()
    assert {each["value"] for each in past} == {"Lisbon", "Porto"}
    then = alice.get("/v1/facts", params={"as_of": fact["valid_from"]}).json()
    assert [(each["value"], each["retracted_at"]) for each in then] == [("Lisbon", None)]
    assert "Porto" in alice.get("/v1/profile").json()["text"]
    gone = alice.post(f"/v1/facts/{new['id']}/retract", json={"reason": "Not so."}).json()
    assert gone["reason"] == "Not so."
    (episode,) = alice.get("/v1/episodes").json()
    assert episode["turns"][0]["text"] == "Anne.home = Lisbon"


def test_turns_are_pinned_and_filtered(alice):
    turns = [
        {"role": "user", "text": "The invoice is paid.", "metadata": {"topic": "money"}},
        {"role": "user", "text": "The garden is green.", "metadata": {"topic": "garden"}},
    ]
    alice.post("/v1/turns", json={"turns": turns})
    only = {"topic": "money"}
    found = alice.post("/v1/recall", json={"query": "invoice garden", "filter": only}).json()
    assert [hit["text"] for hit in found["hits"]] == ["The invoice is paid."]
    listed = alice.get("/v1/history", params={"filter": json.dumps(only)}).json()
    assert [turn["text"] for turn in listed] == ["The invoice is paid."]
    ids = {"turn_ids": [listed[0]["id"]]}
    assert alice.post("/v1/pin", json=ids).json() == {"count": 1}
    assert alice.get("/v1/history").json()[0]["pinned"]
    assert alice.post("/v1/unpin", json=ids).json() == {"count": 1}
    assert alice.post("/v1/importance", json={**ids, "importance": 0.5}).json() == {"count": 1}


def test_a_conflict_is_listed_and_its_absence_is_not_found(alice):
    assert alice.get("/v1/conflicts").json() == []
    asked = alice.post("/v1/conflicts/none/resolve", json={"keep": "x"})
    refused(asked, 404, "not_found")


def test_listings_are_read_in_parts(alice):
    for agent in "ab":  # at one time: neither is what came later
        said = [f"Anne.key{n} = {agent}{n}" for n in range(3)]
        turns = [{"role": "user", "text": text, "time": "2025-05-01T12:00:00Z"} for text in said]
        alice.post("/v1/turns", json={"turns": turns, "session_id": agent, "agent_id": agent})
    alice.post("/v1/consolidate", json={})

    def ids(path, **asked):
        return [each["id"] for each in alice.get(path, params=asked).json()]

    conflicts = ids("/v1/conflicts")
    assert len(conflicts) == 3
    assert ids("/v1/conflicts", limit=2) == conflicts[1:]
    assert ids("/v1/conflicts", limit=2, before=conflicts[1]) == conflicts[:1]
    for path, asked in (("/v1/history", {"session_id": "b"}), ("/v1/facts", {})):
        first, second, *others = ids(path, **asked)
        assert ids(path, limit=2, **asked) == [first, second]
        assert ids(path, limit=1, latest=True, **asked) == others[-1:]
        assert ids(path, before=second, **asked) == [first]
        assert ids(path, after=second, **asked) == others


def test_a_space_is_open_to_whom_it_was_granted(memory, alice, bob):
    memory.spaces.grant("family", user_id="alice", write=True)
    say(alice, "The wifi code is heron.", space="family")
    refused(bob.get("/v1/history", params={"space": "family"}), 403, "forbidden")
    refused(bob.post("/v1/recall", json={"query": "wifi", "spaces": ["family"]}), 403, "forbidden")
    memory.spaces.grant("family", user_id="bob")
    found = bob.post("/v1/recall", json={"query": "wifi code", "spaces": "all"}).json()
    assert found["hits"][0]["source"]["space"] == "family"
    assert [one["space"] for one in bob.get("/v1/spaces").json()] == ["family"]
    turn = {"turns": [{"role": "user", "text": "Mine now."}], "space": "family"}
    refused(bob.post("/v1/turns", json=turn), 403, "forbidden")
    memory.spaces.delete("family")


def test_a_body_that_is_no_json_is_refused_with_the_place(alice):
    sent = {"content": "{'query': 'x'}", "headers": {"Content-Type": "application/json"}}
    message = refused(alice.post("/v1/recall", **sent), 422, "invalid_request")
    assert message.startswith("The body is no JSON: Expecting property name")
    assert message.endswith("at character 1.")
    message = refused(alice.get("/v1/history", params={"filter": "x"}), 422, "invalid_request")
    assert message.startswith("query.filter: Invalid JSON")


def test_a_time_without_a_zone_is_refused_with_one_that_has(alice):
    asked = {"query": "x", "as_of": "2026-04-01T12:00:00"}
    message = refused(alice.post("/v1/recall", json=asked), 422, "invalid_request")
    assert "without a time zone. Add one: as a text 2026-04-01T12:00:00+00:00" in message


@pytest.mark.parametrize("name", ["user_id", "user", "userId", "memory"])
def test_a_user_in_the_body_or_the_query_is_refused(alice, bob, name):
    say(alice, "My secret is the heron.")
    asked = {"query": "What is the secret?", name: "alice"}
    message = refused(bob.post("/v1/recall", json=asked), 422, "invalid_request")
    assert f"body.{name}: nothing takes this argument." in message
    refused(bob.get("/v1/history", params={name: "alice"}), 422, "invalid_request")
    turn = {"role": "user", "text": "x", name: "alice"}
    refused(bob.post("/v1/turns", json={"turns": [turn]}), 422, "invalid_request")


def test_a_user_in_a_header_is_nobody(alice, bob):
    say(alice, "My secret is the heron.")
    named = {"X-User-Id": "alice", "X-Forwarded-User": "alice", "User": "alice"}
    assert bob.get("/v1/history", headers=named).json() == []


def test_no_user_sees_changes_or_erases_what_is_of_another(alice, bob):
    (turn,) = say(alice, "Anne.home = Lisbon")
    alice.post("/v1/consolidate", json={})
    (fact,) = alice.get("/v1/facts").json()
    for ask in (
        lambda: bob.get(f"/v1/facts/{fact['id']}"),
        lambda: bob.patch(f"/v1/facts/{fact['id']}", json={"value": "Oslo"}),
        lambda: bob.post(f"/v1/facts/{fact['id']}/retract"),
    ):
        refused(ask(), 404, "not_found")
    erased = bob.post("/v1/forget", json={"turn_ids": [turn["id"]], "memory_ids": [fact["id"]]})
    assert erased.json()["turns"] == 0
    bob.post("/v1/forget", json={"everything": True})
    assert [each["value"] for each in alice.get("/v1/facts").json()] == ["Lisbon"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"purge": False},
        {"everything": True, "session_id": "one"},
        {"everything": False},
        {"session_id": None},
        {"turn_ids": None, "memory_ids": None, "since": None, "until": None, "filter": None},
    ],
)
def test_all_of_a_memory_is_erased_only_where_that_is_said(alice, body):
    say(alice, "Keep me.")
    message = refused(alice.post("/v1/forget", json=body), 422, "invalid_request")
    assert '"everything": true' in message
    assert len(alice.get("/v1/history").json()) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/v1/recall", {"query": "x", "k": 0}, 422, "invalid_request"),
        ("POST", "/v1/recall", {"query": ["x"]}, 422, "invalid_request"),
        ("POST", "/v1/recall", {"query": "x", "filter": {"$no": 1}}, 422, "invalid_request"),
        ("POST", "/v1/turns", {"turns": []}, 422, "invalid_request"),
        ("POST", "/v1/turns", {"turns": [{"role": "x", "text": "x"}]}, 422, "invalid_request"),
        ("GET", "/v1/history?filter=none", None, 422, "invalid_request"),
        ("GET", "/v1/history?session_id=%20", None, 422, "invalid_request"),
        ("GET", "/v1/conflicts?limit=0", None, 422, "invalid_request"),
        ("GET", "/v1/conflicts?before=none", None, 404, "not_found"),
        ("GET", "/v1/facts/none", None, 404, "not_found"),
        ("GET", "/v1/nothing", None, 404, "not_found"),
        ("DELETE", "/v1/facts", None, 405, "method_not_allowed"),
        ("GET", "/docs", None, 404, "not_found"),
    ],
)
def test_a_mistake_is_answered_in_one_form_with_its_reason(alice, method, path, body, status, code):
    assert refused(alice.request(method, path, json=body), status, code)


def test_an_id_that_is_taken_is_a_conflict(alice):
    turn = {"role": "user", "text": "One.", "id": "1"}
    alice.post("/v1/turns", json={"turns": [turn]})
    again = alice.post("/v1/turns", json={"turns": [turn | {"text": "Two."}]})
    refused(again, 409, "conflict")


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b'"' + b"[" * 500_000, b"[" * 500_000, b'{"query": "\\ud800"}', b""]
)
@pytest.mark.parametrize("path", ["/v1/recall", "/v1/turns", "/mcp"])
def test_a_body_that_is_no_request_is_the_clients_mistake(alice, path, body):
    headers = {"content-type": "application/json", "accept": "application/json"}
    response = alice.post(path, content=body, headers=headers)
    assert 400 <= response.status_code < 500
    assert "Traceback" not in response.text
    assert response.json()["error"]["message"]


SECRET = "/srv/secret/ledger.sqlite of postgres:hunter2"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(LedgerError(SECRET), 503, "unavailable"), (RuntimeError(SECRET), 500, "failure")],
)
def test_what_breaks_is_logged_and_not_shown(url, memory, monkeypatch, caplog, error, status, code):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(memory, "recall", fail)
    monkeypatch.setattr(memory, "facts", fail)
    with client(url, "alice") as http:
        shown = http.post("/v1/recall", json={"query": "x"})
        refused(shown, status, code)
        accepting = {"accept": "application/json"}
        tool = http.post("/mcp", json=tool_call("search_memory", query="x"), headers=accepting)
        assert tool.json()["result"]["isError"]
        read = {"jsonrpc": "2.0", "id": 1, "method": "resources/read"}
        read["params"] = {"uri": "memory://facts"}
        resource = http.post("/mcp", json=read, headers=accepting)
        assert resource.json()["error"]["message"]
    for response in (shown, tool, resource):
        assert "secret" not in response.text
        assert "hunter2" not in response.text
        assert "Traceback" not in response.text
    assert "hunter2" in caplog.text


def test_the_document_describes_every_route_and_no_user(url):
    document = httpx.get(f"{url}/openapi.json", trust_env=False).json()
    paths = {path for path in document["paths"] if path.startswith("/v1/")}
    assert paths >= {
        "/v1/turns", "/v1/recall", "/v1/facts", "/v1/facts/{fact_id}", "/v1/history",
        "/v1/profile", "/v1/episodes", "/v1/forget", "/v1/conflicts",
    }  # fmt: skip
    schemas = document["components"]["schemas"]
    recall = document["paths"]["/v1/recall"]["post"]
    assert recall["security"]
    asked = {each["name"] for each in document["paths"]["/v1/conflicts"]["get"]["parameters"]}
    assert asked == {"limit", "before", "only_open", "space"}
    answer = recall["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert set(schemas[answer.rpartition("/")[2]]["properties"]) >= {"hits", "text", "tokens"}
    for operation in (each for path in paths for each in document["paths"][path].values()):
        named = {each["name"] for each in operation.get("parameters", ())}
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        named |= set(schemas.get(str(body.get("schema", {}).get("$ref")).rpartition("/")[2], {}))
        assert not named & {"user_id", "user"}
        assert "429" in operation["responses"]


def test_whether_it_lives_and_is_ready_is_told_without_a_token(url, memory, monkeypatch):
    with client(url) as http:
        assert http.get("/health").json() == {"status": "ok"}
        assert http.get("/ready").json() == {"status": "ready"}

        def fail(**_):
            raise LedgerError(SECRET)

        monkeypatch.setattr(memory.spaces, "of", fail)
        assert http.get("/health").status_code == 200
        response = http.get("/ready")
        refused(response, 503, "unavailable")
        assert response.headers["retry-after"]
        assert "secret" not in response.text


def test_a_server_for_one_user_asks_for_no_token(memory):
    memory.add(Turn(role="user", text="I am Carol."), user_id="carol")
    with served(memory, user_of="carol") as url, client(url) as http:
        assert [turn["text"] for turn in http.get("/v1/history").json()] == ["I am Carol."]
        sent = http.get("/v1/history", headers=bearer("alice")).json()
        assert [turn["text"] for turn in sent] == ["I am Carol."]
