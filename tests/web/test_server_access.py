"""Who is let in to a server: tokens in a file, signed tokens, limits, and what other sites try."""

import base64
import datetime as dt
import gc
import hashlib
import hmac
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from lightmem_integrations import AuthenticationError, LightMem, ScopeError, SettingsError, Turn
from lightmem_integrations.testing import HashEmbedder
from lightmem_integrations.web.limits import RateLimit
from lightmem_integrations.web.tokens import TokenFile, add_token, read_tokens, remove_tokens

pytest.importorskip("fastapi")
pytest.importorskip("mcp")
pytest.importorskip("jwt")

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from lightmem_integrations.web.signed_tokens import SignedTokens
from served import bearer, client, served, tool_call

HERE = {"audience": "memory", "issuer": "https://login.example"}
SECRET = "a shared secret of forty-two bytes, or more"


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "store"
    with LightMem(path, embedder=HashEmbedder()) as memory:
        memory.add(Turn(role="user", text="I am Alice."), user_id="alice")
        memory.add(Turn(role="user", text="I am Bob."), user_id="bob")
        yield memory


def history(url, *tokens, **more):
    headers = [("Authorization", f"Bearer {token}") for token in tokens]
    return httpx.get(f"{url}/v1/history", headers=headers, trust_env=False, **more)


def refused(response, status, code):
    assert response.status_code == status, response.text
    assert response.json()["error"]["code"] == code
    return response.json()["error"]["message"]


# Tokens in a file


@pytest.fixture
def file(tmp_path):
    return tmp_path / "tokens"


def test_a_token_is_added_where_the_last_line_has_no_end(file):
    first = add_token(file, "alice")
    file.write_text(file.read_text().rstrip("\n"))
    second = add_token(file, "bob")
    assert [TokenFile(file)(token) for token in (first, second)] == ["alice", "bob"]


def test_a_token_opens_the_memory_of_its_user_and_stands_in_no_file(memory, file):
    tokens = {user: add_token(file, user) for user in ("alice", "bob")}
    for token in tokens.values():
        assert token not in file.read_text(encoding="utf-8")
    with served(memory, user_of=TokenFile(file)) as url:
        assert [turn["text"] for turn in history(url, tokens["alice"]).json()] == ["I am Alice."]
        assert [turn["text"] for turn in history(url, tokens["bob"]).json()] == ["I am Bob."]
        refused(history(url, "none"), 401, "unauthenticated")


def test_the_file_is_read_again_when_it_changes(file):
    alice = add_token(file, "alice")
    users = TokenFile(file)
    later = add_token(file, "alice")
    assert (users(alice), users(later)) == ("alice", "alice")
    assert remove_tokens(file, "alice", hashlib.sha256(alice.encode()).hexdigest()[:8]) == 1
    assert users(later) == "alice"
    with pytest.raises(AuthenticationError, match="revoked"):
        users(alice)
    assert [one.user_id for one in read_tokens(file)] == ["alice"]


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_what_is_revoked_by_a_link_is_revoked_where_the_link_leads_to(file, tmp_path):
    alice = add_token(file, "alice")
    users, link = TokenFile(file), tmp_path / "link"
    link.symlink_to(file)
    assert remove_tokens(link, "alice") == 1
    with pytest.raises(AuthenticationError, match="revoked"):
        users(alice)
    assert link.is_symlink()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o777])
def test_a_file_that_others_may_read_or_write_lets_nobody_in(memory, file, mode):
    alice = add_token(file, "alice")
    assert file.stat().st_mode & 0o777 == 0o600
    users = TokenFile(file)
    file.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        TokenFile(file)
    with pytest.raises(SettingsError, match="chmod 600"):
        add_token(file, "bob")
    with served(memory, user_of=users) as url:
        message = refused(history(url, alice), 503, "unavailable")
        assert str(file) not in message
        file.chmod(0o600)
        assert history(url, alice).status_code == 200


@pytest.mark.skipif(os.name != "posix", reason="files of POSIX")
def test_a_file_that_is_replaced_or_cut_lets_in_whom_it_then_names(memory, file, tmp_path):
    alice, other = add_token(file, "alice"), tmp_path / "other"
    bob = add_token(other, "bob")
    whole = file.read_bytes()
    with served(memory, user_of=TokenFile(file)) as url:
        assert history(url, alice).status_code == 200
        other.replace(file)
        assert [turn["text"] for turn in history(url, bob).json()] == ["I am Bob."]
        refused(history(url, alice), 401, "unauthenticated")
        for content, status in ((b"", 401), (whole[:-9], 503), (whole[:20], 503), (whole, 200)):
            file.write_bytes(content)
            assert history(url, alice).status_code == status
        shared = tmp_path / "shared"
        shared.write_bytes(whole)
        shared.chmod(0o644)
        file.unlink()
        file.symlink_to(shared)
        refused(history(url, alice), 503, "unavailable")
        file.unlink()
        file.mkdir()
        refused(history(url, alice), 503, "unavailable")


@pytest.mark.parametrize("content", [b"alice", b"{}", b'{"user_id": "alice"}', b"[1]", b"\xff\xfe"])
def test_a_damaged_file_is_refused_with_its_line(file, content):
    add_token(file, "alice")
    with file.open("ab") as end:
        end.write(content)
    with pytest.raises(SettingsError, match=r"Line 2|cannot be used") as told:
        TokenFile(file)
    assert "lightmem token add" in str(told.value)


def test_a_file_that_is_not_there_or_gone_lets_nobody_in(file, tmp_path):
    with pytest.raises(SettingsError, match="lightmem token add"):
        TokenFile(file)
    token = add_token(file, "alice")
    users = TokenFile(file)
    file.unlink()
    with pytest.raises(SettingsError, match="cannot be used"):
        users(token)
    with pytest.raises(SettingsError, match="cannot be used"):
        add_token(tmp_path / "nowhere" / "tokens", "alice")
    with pytest.raises(ScopeError, match="wildcard"):
        add_token(file, "*")


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Basic token-of-alice", "token-of-alice", "Bearer token-of-alice x"],
)
def test_a_header_that_is_none_is_refused_with_a_challenge(url, value):
    response = httpx.get(f"{url}/v1/history", headers={"Authorization": value}, trust_env=False)
    refused(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_two_tokens_are_none(url):
    refused(history(url, "token-of-alice", "token-of-bob"), 401, "unauthenticated")
    refused(history(url), 401, "unauthenticated")
    assert httpx.post(f"{url}/mcp", json={}, trust_env=False).status_code == 401


def test_a_token_in_the_query_or_a_cookie_is_none(url):
    query = {"params": {"access_token": "token-of-alice", "token": "token-of-alice"}}
    refused(history(url, **query), 401, "unauthenticated")
    refused(history(url, cookies={"token": "token-of-alice"}), 401, "unauthenticated")


# Signed tokens


def pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


RSA = rsa.generate_private_key(65537, 2048)
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())


def claims(**more):
    ends = dt.datetime.now(dt.timezone.utc) + dt.timedelta(minutes=5)
    given = {"sub": "alice", "aud": "memory", "iss": "https://login.example", "exp": ends} | more
    return {name: value for name, value in given.items() if value is not None}


@pytest.fixture
def key(tmp_path):
    def write(content):
        path = tmp_path / "key"
        path.touch(0o600)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("signer", "shown", "algorithm"),
    [(RSA, pem(RSA), "RS256"), (ELLIPTIC, pem(ELLIPTIC), "ES256"), (SECRET, SECRET, "HS256")],
    ids=["rsa", "elliptic", "secret"],
)
def test_a_signed_token_opens_the_memory_of_its_subject(memory, key, signer, shown, algorithm):
    users = SignedTokens(key_file=key(shown), **HERE)
    with served(memory, user_of=users) as url:
        token = jwt.encode(claims(), signer, algorithm)
        assert [turn["text"] for turn in history(url, token).json()] == ["I am Alice."]
        old = jwt.encode(claims(exp=1_000_000_000), signer, algorithm)
        assert "expired" in refused(history(url, old), 401, "unauthenticated")


def token_of(header, payload, signature=b"made up"):
    """A token of parts that no library would put together."""
    parts = [each if isinstance(each, str) else json.dumps(each) for each in (header, payload)]
    encoded = [base64.urlsafe_b64encode(each.encode()).rstrip(b"=") for each in parts]
    if callable(signature):
        signature = signature(b".".join(encoded))
    return b".".join([*encoded, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def signed(more):
    """A token of the issuer's own key with claims that no library would sign."""
    return token_of(
        {"alg": "RS256"},
        claims(exp=4_000_000_000) | more,
        lambda told: RSA.sign(told, padding.PKCS1v15(), hashes.SHA256()),
    )


def unsigned(**more):
    return jwt.encode(claims(**more), None, "none")


def signed_with_the_public_key():
    """A token whose algorithm was changed, so that what is public would be the secret."""
    return token_of(
        {"alg": "HS256", "typ": "JWT"},
        claims(exp=4_000_000_000),
        lambda told: hmac.new(pem(RSA), told, hashlib.sha256).digest(),
    )


def test_a_token_signed_with_odd_claims_is_otherwise_taken(key):
    assert SignedTokens(key_file=key(pem(RSA)), **HERE)(signed({})) == "alice"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        unsigned(),
        signed_with_the_public_key(),
        jwt.encode(claims(), rsa.generate_private_key(65537, 2048), "RS256"),
        jwt.encode(claims(), ELLIPTIC, "ES256"),
        jwt.encode(claims(), SECRET, "HS256"),
        jwt.encode(claims(aud="another"), RSA, "RS256"),
        jwt.encode(claims(aud=None), RSA, "RS256"),
        jwt.encode(claims(iss="https://other.example"), RSA, "RS256"),
        jwt.encode(claims(iss=None), RSA, "RS256"),
        jwt.encode(claims(exp=None), RSA, "RS256"),
        jwt.encode(claims(sub=None, email="alice"), RSA, "RS256"),
        jwt.encode(claims(sub="*"), RSA, "RS256"),
        signed({"sub": 5}),
        signed({"sub": ["alice"]}),
        signed({"sub": {"alice": 1}}),
        signed({"sub": True}),
        signed({"sub": "\udc00family"}),
        signed({"aud": {"memory": 1}}),
        signed({"iss": ["https://login.example"]}),
        signed({"exp": float("inf")}),
        signed({"exp": "tomorrow"}),
        token_of("[" * 100_000, "{}"),
        token_of({"alg": ["RS256"]}, claims(exp=4_000_000_000)),
        token_of({"alg": "nOnE"}, claims(exp=4_000_000_000)),
        token_of({"alg": "RS256", "crit": ["b64"], "b64": False}, claims(exp=4_000_000_000)),
        jwt.encode(claims(sub=" "), RSA, "RS256"),
        jwt.encode(claims(nbf=4_000_000_000), RSA, "RS256"),
        jwt.encode(claims(exp=dt.datetime.now(dt.timezone.utc)), RSA, "RS256"),
    ],
    ids=[
        "empty",
        "nonsense",
        "unsigned",
        "public-key-as-secret",
        "other-key",
        "other-kind-of-key",
        "secret",
        "audience",
        "no-audience",
        "issuer",
        "no-issuer",
        "no-end",
        "no-user",
        "wildcard",
        "user-number",
        "user-list",
        "user-object",
        "user-true",
        "user-surrogate",
        "audience-object",
        "issuer-list",
        "endless",
        "end-word",
        "deep",
        "algorithms",
        "unsigned-otherwise",
        "detached",
        "blank",
        "not-yet",
        "just-expired",
    ],
)
def test_a_token_that_is_not_for_this_server_is_refused(key, token):
    users = SignedTokens(key_file=key(pem(RSA)), **HERE)
    with pytest.raises(AuthenticationError):
        users(token)


def test_another_claim_may_name_the_user(key):
    users = SignedTokens(key_file=key(pem(RSA)), **HERE, claim="email")
    assert users(jwt.encode(claims(email="alice@example.com"), RSA, "RS256")) == "alice@example.com"
    for email in (None, 3, ["alice"]):
        with pytest.raises(AuthenticationError):
            users(jwt.encode(claims(email=email), RSA, "RS256"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("short", "openssl rand"),
        ("-----BEGIN nonsense", "no public key"),
        (
            RSA.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            "public half",
        ),
    ],
    ids=["short", "nonsense", "private"],
)
def test_a_key_that_is_none_is_refused(key, content, told):
    with pytest.raises(SettingsError, match=told):
        SignedTokens(key_file=key(content), **HERE)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_shared_secret_that_others_may_read_is_refused(key):
    path = key(SECRET)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        SignedTokens(key_file=path, **HERE)


def test_what_a_signed_token_must_be_for_is_asked_for(key):
    path = key(SECRET)
    for audience, issuer in (("", "i"), ("a", "")):
        with pytest.raises(SettingsError, match="audience"):
            SignedTokens(key_file=path, audience=audience, issuer=issuer)
    with pytest.raises(SettingsError, match="either"):
        SignedTokens(**HERE)
    for url in ("http://login.example/keys", "file:///etc/passwd", "keys"):
        with pytest.raises(SettingsError, match="https"):
            SignedTokens(jwks_url=url, **HERE)


@pytest.fixture
def published():
    """Key set of an issuer: its URL, and how often it was fetched."""
    fetched = []
    described = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key()))
    body = json.dumps({"keys": [described | {"kid": "one", "use": "sig", "alg": "RS256"}]}).encode()

    class Issuer(BaseHTTPRequestHandler):
        def do_GET(self):
            fetched.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Issuer) as issuer:
        thread = threading.Thread(target=issuer.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{issuer.server_port}/keys", fetched
        issuer.shutdown()
        thread.join()


def test_keys_that_an_issuer_publishes_are_fetched_once(published):
    url, fetched = published
    users = SignedTokens(jwks_url=url, **HERE)
    named = {"headers": {"kid": "one"}}
    for _ in range(3):
        assert users(jwt.encode(claims(), RSA, "RS256", **named)) == "alice"
    for bad in (
        jwt.encode(claims(), rsa.generate_private_key(65537, 2048), "RS256", **named),
        jwt.encode(claims(), SECRET, "HS256", **named),
        jwt.encode(claims(), None, "none", **named),
        *(jwt.encode(claims(), RSA, "RS256", headers={"kid": str(n)}) for n in range(9)),
    ):
        with pytest.raises(AuthenticationError):
            users(bad)
    assert len(fetched) == 1  # made-up names of keys ask the issuer for nothing


def test_an_issuer_that_does_not_answer_is_no_fault_of_the_caller(memory):
    users = SignedTokens(jwks_url="http://127.0.0.1:1/keys", **HERE)
    with served(memory, user_of=users) as url:
        token = jwt.encode(claims(), RSA, "RS256", headers={"kid": "one"})
        message = refused(history(url, token), 503, "unavailable")
        assert "127.0.0.1" not in message


@pytest.fixture
def no_garbage():
    """For what has no room on the stack to end objects of earlier tests in its depth."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage")
def test_an_issuer_that_fails_is_not_asked_for_every_request():
    asked = []

    class Issuer(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[" * 100_000)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Issuer) as issuer:
        thread = threading.Thread(target=issuer.serve_forever)
        thread.start()
        users = SignedTokens(jwks_url=f"http://127.0.0.1:{issuer.server_port}/keys", **HERE)
        for number in range(20):
            with pytest.raises(SettingsError, match="cannot be fetched"):
                users(jwt.encode(claims(), RSA, "RS256", headers={"kid": str(number)}))
        issuer.shutdown()
        thread.join()
    assert len(asked) == 1


# Limits


def test_who_asks_too_much_waits_and_nobody_else(memory):
    with served(memory, requests_per_minute=3) as url:
        answers = [history(url, "token-of-alice") for _ in range(4)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429]
        refused(answers[-1], 429, "too_many_requests")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
        with client(url, "alice") as http:
            assert http.post("/mcp", json=tool_call("list_memories")).status_code == 429
        assert history(url, "token-of-bob").status_code == 200


def test_requests_come_back_as_time_goes_by():
    now = [0.0]
    limit = RateLimit(60, lambda: now[0])
    assert [limit.wait("alice") for _ in range(60)] == [0.0] * 60
    assert limit.wait("alice") == pytest.approx(1.0)
    now[0] = 0.5
    assert limit.wait("alice") == pytest.approx(0.5)
    now[0] = 1.0
    assert limit.wait("alice") == 0.0
    assert limit.wait("alice") > 0
    now[0] = 1_000.0
    assert [limit.wait("alice") for _ in range(60)] == [0.0] * 60
    assert limit.wait("alice") > 0


def test_many_users_are_not_kept_for_ever():
    now = [0.0]
    limit = RateLimit(60, lambda: now[0])
    for number in range(30_000):
        limit.wait(str(number))
        now[0] += 0.01
    assert len(limit._left) <= 10_000
    assert all(limit.wait("29999") == 0.0 for _ in range(59))
    assert limit.wait("29999") > 0


@pytest.mark.parametrize("path", ["/v1/turns", "/mcp"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_not_read(memory, path, chunked):
    with served(memory, max_body_bytes=1_000) as url, client(url, "alice") as http:
        headers = {"content-type": "application/json", "accept": "application/json"}
        large = b'{"x": "' + b"x" * 2_000 + b'"}'
        content = iter([large]) if chunked else large
        refused(http.post(path, content=content, headers=headers), 413, "too_large")
        turn = {"turns": [{"role": "user", "text": "Small."}], "session_id": "small"}
        assert http.post("/v1/turns", json=turn).status_code == 201


# What a page of another site could try


@pytest.mark.parametrize("path", ["/v1/history", "/health", "/mcp", "/openapi.json"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_foreign_name_for_this_machine_is_refused(url, path, host):
    headers = {"Host": host, **bearer("alice")}
    refused(httpx.get(f"{url}{path}", headers=headers, trust_env=False), 421, "foreign_host")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
@pytest.mark.parametrize("path", ["/v1/forget", "/mcp"])
def test_a_change_from_another_origin_is_refused(memory, path, origin):
    with served(memory, user_of="alice") as url:
        headers = {"Origin": origin, "content-type": "application/json"}
        body = json.dumps({"everything": True})
        asked = httpx.post(f"{url}{path}", content=body, headers=headers, trust_env=False)
        refused(asked, 403, "foreign_origin")


def test_a_form_of_another_site_changes_nothing(memory):
    with served(memory, user_of="alice") as url:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            asked = httpx.post(
                f"{url}/v1/forget",
                content=json.dumps({"everything": True}),
                headers={"content-type": kind},
                trust_env=False,
            )
            refused(asked, 422, "invalid_request")
    assert memory.history(user_id="alice")


def test_no_answer_is_kept_framed_or_read_by_another_site(url):
    response = history(url, "token-of-alice")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "access-control-allow-origin" not in response.headers
    assert "server" not in response.headers
