"""What registries say when tags are listed and images removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shipway.errors import RefuseError, RetryError
from shipway.registry import Registry
from shipway.registry_api import NoDeletionError
from shipway.retention.registry_images import StoredTag, remove_digests, tags_of
from tests.support.scripted_registry import (
    INDEX,
    Answer,
    ScriptedRegistry,
    digest_of,
    scripted_registry,
)

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
TAGS = "/v2/shop/tags/list"
DELETE = f"DELETE /v2/shop/manifests/{digest_of(b'a')}"


@pytest.fixture
def server() -> Iterator[ScriptedRegistry]:
    with scripted_registry() as registry:
        yield registry


def says(server: ScriptedRegistry, tag: str, body: dict[str, Any]) -> str:
    """Serve a manifest under a tag and its digest."""
    content = json.dumps(body).encode()
    for reference in (tag, digest_of(content)):
        server.says(f"/v2/shop/manifests/{reference}", Answer(content=content))
    return digest_of(content)


def image(server: ScriptedRegistry, tag: str, **config: object) -> str:
    content = json.dumps(config or {"architecture": "amd64"}).encode()
    server.says(f"/v2/shop/blobs/{digest_of(content)}", Answer(content=content))
    described = {"mediaType": CONFIG_TYPE, "digest": digest_of(content), "size": 7}
    layers = [{"digest": "sha256:layer", "size": 100}]
    return says(server, tag, {"schemaVersion": 2, "config": described, "layers": layers})


def lists(server: ScriptedRegistry, *tags: str) -> None:
    server.says(TAGS, Answer(content=json.dumps({"name": "shop", "tags": list(tags)}).encode()))


async def tags(server: ScriptedRegistry) -> list[StoredTag]:
    return await tags_of(Registry(address=server.address, insecure=True), "shop")


async def remove(server: ScriptedRegistry) -> None:
    registry = Registry(address=server.address, insecure=True)
    await remove_digests(registry, "shop", [digest_of(b"a")])


async def test_a_repository_that_is_not_there_has_no_tags(server: ScriptedRegistry) -> None:
    assert await tags(server) == []


async def test_one_without_tags_has_none(server: ScriptedRegistry) -> None:
    server.says(TAGS, Answer(content=b'{"name": "shop", "tags": null}'))
    assert await tags(server) == []


async def test_tags_come_in_pages(server: ScriptedRegistry) -> None:
    image(server, "a")
    image(server, "b")
    following = {"Link": '</v2/shop/tags/list?last=a&n=1>; rel="next"'}
    pages = [b'{"tags": ["a"]}', b'{"tags": ["b"]}']
    server.says(TAGS, Answer(content=pages[0], headers=following), Answer(content=pages[1]))
    assert [each.tag for each in await tags(server)] == ["a", "b"]
    assert f"{TAGS}?last=a&n=1" in [path for path, _ in server.asked]


async def test_an_image_says_when_it_was_built_and_whether_shipway_did(
    server: ScriptedRegistry,
) -> None:
    labels = {"Labels": {"dev.shipway.inputs": "1"}}
    image(server, "ours", created="2026-11-30T07:56:39.123456789Z", config=labels)
    image(server, "theirs", created="not a date", config={"Labels": None})
    lists(server, "ours", "theirs", "gone")
    ours, theirs = await tags(server)
    assert ours.created == datetime(2026, 11, 30, 7, 56, 39, 123456, tzinfo=UTC)
    assert (ours.is_ours, sum(ours.blobs.values())) == (True, 107)
    assert (theirs.is_ours, theirs.created) == (False, None)


async def test_an_index_is_known_by_what_it_lists(server: ScriptedRegistry) -> None:
    part = image(server, "part", created="2026-11-30T00:00:00Z", config={"Labels": {"a": "b"}})
    index = says(server, "index", {"mediaType": INDEX, "manifests": [{"digest": part}]})
    lists(server, "index")
    (found,) = await tags(server)
    assert (found.digest, found.parts) == (index, (part,))
    assert found.created == datetime(2026, 11, 30, tzinfo=UTC)


async def test_what_is_no_image_is_nobodys(server: ScriptedRegistry) -> None:
    chart = {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": "d", "size": 1}
    says(server, "chart", {"schemaVersion": 2, "config": chart, "layers": []})
    lists(server, "chart")
    (found,) = await tags(server)
    assert (found.is_ours, found.created) == (False, None)


async def test_what_is_gone_already_is_no_error(server: ScriptedRegistry) -> None:
    await remove(server)


async def test_a_registry_that_allows_no_deletion_says_what_to_do(
    server: ScriptedRegistry,
) -> None:
    server.says(DELETE, Answer(405, b'{"errors": [{"code": "UNSUPPORTED"}]}'))
    with pytest.raises(NoDeletionError) as caught:
        await remove(server)
    assert "REGISTRY_STORAGE_DELETE_ENABLED=true" in str(caught.value.facts["remedy"])


@pytest.mark.parametrize(
    ("status", "error"), [(401, RefuseError), (403, RefuseError), (500, RetryError)]
)
async def test_any_other_answer_is_an_error(
    server: ScriptedRegistry, status: int, error: type[Exception]
) -> None:
    server.says(DELETE, Answer(status))
    with pytest.raises(error) as caught:
        await remove(server)
    assert not isinstance(caught.value, NoDeletionError)


async def test_a_registry_that_is_busy_is_asked_again(server: ScriptedRegistry) -> None:
    server.says(DELETE, Answer(503), Answer(202))
    await remove(server)
    assert [path for path, _ in server.asked] == [DELETE, DELETE]
