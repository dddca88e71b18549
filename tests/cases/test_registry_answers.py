"""Registries as they really answer: no digest, busy, dropped, tokens, Docker Hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr

from shipway.errors import FailError, RefuseError, RetryError
from shipway.registry import Login, Registry, push_error
from shipway.registry_api import endpoint_of
from tests.support.scripted_registry import (
    INDEX,
    MANIFEST,
    Answer,
    ScriptedRegistry,
    digest_of,
    manifest,
    scripted_registry,
)

BUSY = Answer(429, b'{"errors": [{"code": "TOOMANYREQUESTS"}]}', {"Retry-After": "1"})
SOON = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
CHALLENGE = 'Bearer realm="http://{}/token",service="reg",scope="repository:shop:pull"'
UNKNOWN = {"os": "unknown", "architecture": "unknown"}


@pytest.fixture
def server() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        yield registry


def client_of(server: ScriptedRegistry, login: Login | None = None) -> Registry:
    return Registry(address=server.address, insecure=True, login=login)


async def found(server: ScriptedRegistry, login: Login | None = None) -> tuple[str | None, str]:
    registry = client_of(server, login)
    stored = await registry.find(registry.image("shop", "1"))
    assert stored is not None
    return stored.ref.digest, stored.labels.get("app", "")


# Google's, Nexus' and some proxies leave the header out: the digest is that of the bytes.
@pytest.mark.parametrize("name", [None, "docker-content-digest", "Docker-Content-Digest"])
async def test_a_digest_that_the_registry_tells_or_does_not(
    server: ScriptedRegistry, name: str | None
) -> None:
    content = manifest()
    server.has_image(content)
    headers = {name: digest_of(content)} if name else {}
    server.says("/v2/shop/manifests/1", Answer(200, content, headers))
    assert await found(server) == (digest_of(content), "shop")


async def test_a_digest_that_is_not_that_of_the_bytes(server: ScriptedRegistry) -> None:
    server.has_image()
    lie = {"Docker-Content-Digest": digest_of(b"another")}
    server.says("/v2/shop/manifests/1", Answer(200, manifest(), lie))
    with pytest.raises(RefuseError, match="not what its digest says"):
        await found(server)


@pytest.mark.parametrize(
    "first",
    [
        [BUSY],
        [BUSY, BUSY],
        [Answer(429)],
        [Answer(429, b"", {"Retry-After": SOON})],
        [Answer(429, b"", {"Retry-After": "soon"})],
        [Answer(503, b"", {"Retry-After": "0"})],
        [Answer(502), Answer(504)],
        [Answer(0)],
        [Answer(0), Answer(0)],
    ],
    ids=[
        "429",
        "429 twice",
        "429 alone",
        "429 until a date",
        "429 with words",
        "503",
        "502 and 504",
        "dropped",
        "dropped twice",
    ],
)
async def test_a_registry_that_is_busy_for_a_moment(
    server: ScriptedRegistry, first: list[Answer]
) -> None:
    digest = server.has_image(None, *first)
    assert await found(server) == (digest, "shop")


@pytest.mark.parametrize("answer", [Answer(429), Answer(503), Answer(0)])
async def test_a_registry_that_stays_busy_may_be_asked_later(
    server: ScriptedRegistry, answer: Answer
) -> None:
    server.says("/v2/shop/manifests/1", answer)
    with pytest.raises(RetryError):
        await found(server)


@pytest.mark.parametrize(
    ("status", "content"),
    [(200, b"<html>Log in</html>"), (200, b"[]"), (200, b"{}"), (200, b'"x"'), (418, b"")],
    ids=["a page", "a list", "an empty object", "text", "a teapot"],
)
async def test_what_is_no_registry(server: ScriptedRegistry, status: int, content: bytes) -> None:
    server.says("/v2/shop/manifests/1", Answer(status, content))
    with pytest.raises((RefuseError, RetryError)):
        await found(server)


@pytest.mark.parametrize(
    "platforms",
    [
        [UNKNOWN, {"os": "linux", "architecture": "amd64"}],
        [{"os": "linux", "architecture": "arm64"}, UNKNOWN],
        [{"os": "linux", "architecture": "arm64"}, {"os": "linux", "architecture": "amd64"}],
    ],
    ids=["an attestation first", "an attestation last", "two platforms"],
)
async def test_an_index_is_read_by_an_image_in_it(
    server: ScriptedRegistry, platforms: list[dict[str, str]]
) -> None:
    image, attestation = manifest(), manifest(b"{}")
    server.has_image(image)
    entries = [
        {
            "mediaType": MANIFEST,
            "digest": digest_of(attestation if platform is UNKNOWN else image),
            "platform": platform,
        }
        for platform in platforms
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    server.says("/v2/shop/manifests/1", Answer(200, index))
    server.says(f"/v2/shop/manifests/{digest_of(attestation)}", Answer(200, attestation))
    assert await found(server) == (digest_of(index), "shop")


@pytest.mark.parametrize(
    "challenge",
    [
        CHALLENGE,
        CHALLENGE.replace("Bearer", "bearer"),
        CHALLENGE.replace('"reg"', "reg"),
        CHALLENGE.replace(",", ", "),
        f'Basic realm="reg", {CHALLENGE}',
        CHALLENGE.replace("service", "SERVICE").replace("realm", "Realm"),
    ],
    ids=["plain", "small letters", "without quotes", "spaces", "after Basic", "capital names"],
)
@pytest.mark.parametrize("key", ["token", "access_token"])
async def test_a_token_is_fetched_where_the_registry_says(
    server: ScriptedRegistry, challenge: str, key: str
) -> None:
    asks = Answer(401, b"", {"WWW-Authenticate": challenge.format(server.address)})
    digest = server.has_image(None, asks)
    server.says("/token", BUSY, Answer(200, json.dumps({key: "t"}).encode()))
    login = Login(username="ada", password=SecretStr("secret"))
    assert await found(server, login) == (digest, "shop")
    asked = [path for path, _ in server.asked if path.startswith("/token")]
    assert all("service=reg" in path and "scope=repository" in path for path in asked)
    assert ("/v2/shop/manifests/1", "Bearer t") in server.asked


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_token_that_is_denied(server: ScriptedRegistry, status: int) -> None:
    challenge = {"WWW-Authenticate": CHALLENGE.format(server.address)}
    server.says("/v2/shop/manifests/1", Answer(401, b"", challenge))
    server.says("/token", Answer(status, b"denied"))
    with pytest.raises(RefuseError, match="denies access"):
        await found(server)


# docker.io is a name for people: its API is at another address, and names of one part are in it
# under `library`. As in the `distribution/reference` package of Docker.
@pytest.mark.parametrize(
    ("repository", "host", "name"),
    [
        ("docker.io/acme/shop", "registry-1.docker.io", "acme/shop"),
        ("docker.io/shop", "registry-1.docker.io", "library/shop"),
        ("index.docker.io/acme/shop", "registry-1.docker.io", "acme/shop"),
        ("acme/shop", "registry-1.docker.io", "acme/shop"),
        ("shop", "registry-1.docker.io", "library/shop"),
        ("ghcr.io/acme/shop", "ghcr.io", "acme/shop"),
        ("localhost/shop", "localhost", "shop"),
        ("localhost:5000/acme/team/shop", "localhost:5000", "acme/team/shop"),
        ("registry:5000/shop", "registry:5000", "shop"),
    ],
)
def test_where_a_repository_is(repository: str, host: str, name: str) -> None:
    assert endpoint_of(repository) == (host, name)


@pytest.mark.parametrize(
    ("address", "filed_under"),
    [
        ("ghcr.io/acme", "ghcr.io"),
        ("registry.example.org:5000", "registry.example.org:5000"),
        ("docker.io/acme", "https://index.docker.io/v1/"),
        ("acme", "https://index.docker.io/v1/"),
    ],
)
def test_a_login_is_filed_where_dockers_clients_look(address: str, filed_under: str) -> None:
    login = Login(username="ada", password=SecretStr("secret"))
    (found,) = json.loads(login.docker_config(address))["auths"].items()
    assert found == (filed_under, {"auth": "YWRhOnNlY3JldA=="})


# As the engine tells them.
@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("denied: requested access to the resource is denied", RefuseError),
        ("unauthorized: authentication required", RefuseError),
        ("no basic auth credentials", RefuseError),
        ("write tcp 10.0.2.15:51090->54.83.42.45:443: write: broken pipe", RetryError),
        ("read tcp 127.0.0.1:5->127.0.0.1:6: read: connection reset by peer", RetryError),
        ("write tcp 1.2.3.4:5->6.7.8.9:443: use of closed network connection", RetryError),
        ('Put "https://r/v2/x/blobs/uploads/": net/http: TLS handshake timeout', RetryError),
        ("dial tcp: lookup r on 127.0.0.1:53: i/o timeout", RetryError),
        ("unexpected EOF", RetryError),
        ("toomanyrequests: You have reached your pull rate limit", RetryError),
        ("received unexpected HTTP status: 502 Bad Gateway", RetryError),
        ("received unexpected HTTP status: 429 Too Many Requests", RetryError),
        ("error parsing HTTP 503 response body: invalid character '<'", RetryError),
        ("blob upload unknown", RetryError),
        ("http2: client connection lost", RetryError),
        ("tag invalid: The image tag '1' already exists and cannot be overwritten", FailError),
        ("manifest invalid: manifest invalid", FailError),
        ("quota exceeded: 5 GB of 5 GB", FailError),
    ],
)
def test_what_becomes_of_a_push_that_failed(words: str, kind: type[Exception]) -> None:
    error = push_error(words, "registry.example.org/shop:1")
    assert type(error) is kind
    assert words in str(error)
