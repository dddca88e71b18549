"""The real registry: immutable tags, digests, labels, and what its errors become."""

from __future__ import annotations

import uuid

import httpx
import pytest
from docker import DockerClient

from shipway.errors import FailError, RetryError
from shipway.registry import Registry


@pytest.fixture
def registry(sandbox: dict[str, str]) -> Registry:
    return Registry(address=sandbox["SHIPWAY_REGISTRY"], insecure=True)


@pytest.fixture
def app() -> str:
    return f"integration-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def local_image(engine: DockerClient, python_image: str, app: str) -> str:
    container = engine.containers.create(python_image, ["true"])
    image = container.commit(changes=f"LABEL app={app}")
    container.remove()
    return str(image.id)


async def test_a_tag_that_is_not_there_is_none(registry: Registry, app: str) -> None:
    assert await registry.find(registry.image(app, "1")) is None


async def test_what_is_pushed_is_found_by_tag_with_digest_and_labels(
    registry: Registry, engine: DockerClient, local_image: str, app: str
) -> None:
    name = registry.image(app, "1")
    pushed = await registry.push(engine, local_image, name)
    found = await registry.find(name)
    assert found is not None
    assert found.ref == pushed
    assert found.labels["app"] == app
    assert pushed.digest is not None
    served = httpx.get(f"http://{registry.address}/v2/{app}/manifests/{pushed.digest}")
    assert served.headers["Docker-Content-Digest"] == pushed.digest


async def test_the_engine_can_pull_what_was_pushed_by_digest(
    registry: Registry, engine: DockerClient, local_image: str, app: str
) -> None:
    pushed = await registry.push(engine, local_image, registry.image(app, "1"))
    engine.images.remove(f"{pushed.repository}:{pushed.tag}")
    assert engine.images.pull(str(pushed.pinned())).labels["app"] == app


async def test_the_same_push_again_has_the_same_digest(
    registry: Registry, engine: DockerClient, local_image: str, app: str
) -> None:
    name = registry.image(app, "1")
    assert await registry.push(engine, local_image, name) == await registry.push(
        engine, local_image, name
    )


async def test_a_registry_that_is_not_there_is_tried_again(
    engine: DockerClient, local_image: str, free_port: int, app: str
) -> None:
    nobody = Registry(address=f"127.0.0.1:{free_port}", insecure=True)
    with pytest.raises(RetryError) as caught:
        await nobody.find(nobody.image(app, "1"))
    assert caught.value.facts["where"] == f"http://{nobody.address}/v2/{app}/manifests/1"
    with pytest.raises(RetryError, match="The registry cannot be reached"):
        await nobody.push(engine, local_image, nobody.image(app, "1"))


async def test_https_where_the_registry_speaks_http_is_tried_again_and_told(
    registry: Registry, app: str
) -> None:
    secure = registry.model_copy(update={"insecure": False})
    with pytest.raises(RetryError) as caught:
        await secure.find(secure.image(app, "1"))
    assert str(caught.value.facts["where"]).startswith("https://")


async def test_a_name_that_no_registry_takes_fails_with_the_reason(
    registry: Registry, engine: DockerClient, local_image: str
) -> None:
    with pytest.raises(FailError, match="repository name must be lowercase"):
        await registry.push(engine, local_image, registry.image("UPPER", "1"))
