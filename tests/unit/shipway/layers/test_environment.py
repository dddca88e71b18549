from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from shipway.config.pipeline import App, Layer, Service, read_pipeline
from shipway.layers.environment import environment_spec, sidecars_of
from shipway.runners.environment import EnvironmentSpec, Images, Sidecar
from tests.support.code import code_of

PIPELINE = """
app: shop
tests:
  layers:
    unit:
      command: [pytest]
      env: {NAME: "the layer's"}
      timeout_seconds: 60
      services: {db: {image: "postgres:17"}}
      app: {}
"""
DB = Service(image="postgres:17", env={"A": "b"}, ready=["pg_isready"])
DB_SIDECAR = Sidecar(image="postgres:17", env={"A": "b"}, ready=["pg_isready"])


@pytest.mark.parametrize(
    ("services", "app", "image", "expected"),
    [
        ({}, None, None, {}),
        ({}, None, "sha256:1", {}),
        ({"db": DB}, None, None, {"db": DB_SIDECAR}),
        ({}, App(), None, {}),
        ({}, App(), "sha256:1", {"app": Sidecar(image="sha256:1", env={}, ready=None)}),
        (
            {"db": DB},
            App(env={"DB": "db"}, ready=["true"]),
            "sha256:1",
            {
                "db": DB_SIDECAR,
                "app": Sidecar(image="sha256:1", env={"DB": "db"}, ready=["true"]),
            },
        ),
    ],
)
def test_beside_the_tests_run_the_services_and_the_app_if_asked_for(
    services: dict[str, Service], app: App | None, image: str | None, expected: dict[str, Sidecar]
) -> None:
    layer = Layer(command=["pytest"], services=services, app=app)
    assert sidecars_of(layer, image) == expected


def test_a_service_cannot_take_the_name_of_the_app() -> None:
    with pytest.raises(ValidationError, match="a service cannot be named app"):
        Layer(command=["pytest"], services={"app": DB}, app=App())


def test_a_shards_environment_is_the_layers_and_has_a_name_of_its_own() -> None:
    code = code_of(read_pipeline(PIPELINE))
    images = Images(tests="sha256:1", app="sha256:2")
    brought = {"NAME": "the image's", "PATH": "/bin"}
    assert environment_spec(code, "unit", images, "0123456789", 3, brought) == EnvironmentSpec(
        run="0123456789",
        name="shop-unit-01234567-3",
        code=Path("code"),
        image="sha256:1",
        env={"NAME": "the layer's", "PATH": "/bin"},
        sidecars={
            "db": Sidecar(image="postgres:17", env={}, ready=None),
            "app": Sidecar(image="sha256:2", env={}, ready=None),
        },
        timeout_seconds=60,
    )
