"""What the blocks give that the library does not inherit to them."""

from __future__ import annotations

from prefect_docker import DockerHost, DockerRegistryCredentials
from pydantic import SecretStr

from blocks.image_builder import ImageBuilder
from blocks.registry import Registry
from shipway.registry import Login


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
    builder = ImageBuilder(engine=engine, cli="docker", build_args={"a": "1"}).open()
    assert builder.connect == engine.get_client
    assert builder.engine_url == "tcp://127.0.0.1:2375"
    assert (builder.cli, builder.build_args) == ("docker", {"a": "1"})
