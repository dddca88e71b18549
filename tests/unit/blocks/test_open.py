"""What the blocks give that the library does not inherit to them."""

from __future__ import annotations

import pytest
from prefect_docker import DockerHost, DockerRegistryCredentials
from pydantic import SecretStr

from blocks.image_builder import ImageBuilder
from blocks.registry import Registry
from shipway import registry
from shipway.image_builders.buildkit import BuildKitBuilder
from shipway.image_builders.engine import EngineBuilder
from shipway.registry import Login

ADDRESS = "tcp://buildkitd.example.org:1234"
KEYS = {"ca": "ca", "certificate": "certificate", "key": "private"}
REGISTRY = registry.Registry(address="registry.example.org")


def test_a_registry_has_the_login_of_its_credentials() -> None:
    credentials = DockerRegistryCredentials(
        username="ada", password=SecretStr("secret"), registry_url="registry.example.org"
    )
    block = Registry(address="registry.example.org/acme", credentials=credentials)
    registry = block.open()
    assert (registry.address, registry.insecure) == ("registry.example.org/acme", False)
    assert registry.login == Login(username="ada", password=SecretStr("secret"))
    assert "secret" not in repr(registry)


def test_a_registry_that_lets_everybody_in_has_no_login() -> None:
    assert Registry(address="127.0.0.1:5000", insecure=True).open().login is None


def test_an_image_builder_is_the_one_of_its_engine() -> None:
    engine = DockerHost(base_url="tcp://127.0.0.1:2375")
    builder = ImageBuilder(engine=engine, cli="docker", build_args={"a": "1"}).open(REGISTRY)
    assert isinstance(builder, EngineBuilder)
    assert builder.connect == engine.get_client
    assert builder.engine_url == "tcp://127.0.0.1:2375"
    assert (builder.cli, builder.build_args) == ("docker", {"a": "1"})
    assert builder.registry == REGISTRY


def test_an_image_builder_with_an_address_is_that_buildkitd() -> None:
    block = ImageBuilder(address=ADDRESS, **KEYS, cache="registry.example.org/cache")
    builder = block.open(REGISTRY)
    assert isinstance(builder, BuildKitBuilder)
    assert (builder.address, builder.registry) == (ADDRESS, REGISTRY)
    assert (builder.cache, builder.buildctl) == ("registry.example.org/cache", "buildctl")
    assert builder.keys is not None
    assert builder.keys.key.get_secret_value() == "private"
    assert "private" not in repr(builder)


def test_a_buildkitd_may_go_without_keys_and_cache() -> None:
    builder = ImageBuilder(address=ADDRESS, cache="", ca="").open(REGISTRY)
    assert isinstance(builder, BuildKitBuilder)
    assert (builder.keys, builder.cache) == (None, None)


@pytest.mark.parametrize("missing", KEYS)
def test_some_of_the_keys_are_no_keys(missing: str) -> None:
    some = {name: value for name, value in KEYS.items() if name != missing}
    with pytest.raises(ValueError, match=f"TLS needs ca, certificate and key: {missing} is empty"):
        ImageBuilder(address=ADDRESS, **some)


@pytest.mark.parametrize("fields", [KEYS, {"cache": "registry.example.org/cache"}])
def test_what_is_for_a_buildkitd_needs_its_address(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="address is empty"):
        ImageBuilder(**fields)
