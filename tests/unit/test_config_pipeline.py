from __future__ import annotations

import pytest

from blocks import config
from blocks.config import App, Image, Layer, Pipeline, Service, read_pipeline
from blocks.errors import Refuse

SHORTEST = "app: shop\ntests: {layers: {unit: {command: [pytest]}}}\n"

WHOLE = """\
app: shop
image:
  context: src
  dockerfile: docker/Dockerfile
  target: app
  args: {PYTHON: "3.13"}
tests:
  target: test
  layers:
    unit:
      command: [pytest, tests/unit]
      weight: 60
      budget: 30.5
    integration:
      command: [pytest, tests/integration]
      env: {DATABASE: db}
      services:
        db:
          image: postgres:17
          env: {POSTGRES_PASSWORD: test}
          ready: [pg_isready]
    e2e:
      command: [npx, playwright]
      app: {env: {PORT: "80"}, ready: [curl, localhost]}
      junit: results/junit.xml
"""


def refusal(text: str) -> Refuse:
    with pytest.raises(Refuse) as caught:
        read_pipeline(text)
    return caught.value


def test_the_shortest_file_has_every_default() -> None:
    assert read_pipeline(SHORTEST) == Pipeline(
        app="shop",
        image=Image(context=".", dockerfile="Dockerfile", target=None, args={}),
        tests=config.Tests(
            target=None,
            layers={
                "unit": Layer(
                    command=["pytest"],
                    weight=None,
                    budget=900,
                    env={},
                    services={},
                    app=None,
                    junit=None,
                )
            },
        ),
    )


def test_every_key_of_the_file_is_read() -> None:
    assert read_pipeline(WHOLE) == Pipeline(
        app="shop",
        image=Image(
            context="src", dockerfile="docker/Dockerfile", target="app", args={"PYTHON": "3.13"}
        ),
        tests=config.Tests(
            target="test",
            layers={
                "unit": Layer(command=["pytest", "tests/unit"], weight=60, budget=30.5),
                "integration": Layer(
                    command=["pytest", "tests/integration"],
                    env={"DATABASE": "db"},
                    services={
                        "db": Service(
                            image="postgres:17",
                            env={"POSTGRES_PASSWORD": "test"},
                            ready=["pg_isready"],
                        )
                    },
                ),
                "e2e": Layer(
                    command=["npx", "playwright"],
                    app=App(env={"PORT": "80"}, ready=["curl", "localhost"]),
                    junit="results/junit.xml",
                ),
            },
        ),
    )


def test_weights_are_the_teams_or_70_20_10() -> None:
    tests = read_pipeline(WHOLE).tests
    assert [tests.weight(layer) for layer in ("unit", "integration", "e2e")] == [60, 20, 10]
    assert read_pipeline(SHORTEST).tests.weight("unit") == 70


@pytest.mark.parametrize("name", ["a", "shop", "shop-2", "0", "a" * 63])
def test_a_name_that_images_and_folders_can_bear_is_taken(name: str) -> None:
    assert read_pipeline(SHORTEST.replace("shop", f"'{name}'")).app == name


@pytest.mark.parametrize(
    "name", ["", "Shop", "-shop", "shop-", "a" * 64, "a/b", "a.b", "a_b", "../a", "a\\n"]
)
def test_any_other_name_is_refused(name: str) -> None:
    error = refusal(SHORTEST.replace("shop", f'"{name}"'))
    assert error.what == "The value of 'app' is not valid."
    assert error.facts["where"] == "pipeline.yaml:1"


@pytest.mark.parametrize("key", ["context", "dockerfile"])
@pytest.mark.parametrize("path", ["/etc", "..", "../x", "a/../../x", "a/.."])
def test_a_path_cannot_leave_the_apps_folder(key: str, path: str) -> None:
    assert str(refusal(f"{SHORTEST}image:\n  {key}: {path}\n")) == (
        f"The value of 'image.{key}' is not valid.\n"
        "  where:     pipeline.yaml:4\n"
        "  expected:  Value error, must be a path inside the app's folder\n"
        f"  got:       '{path}'\n"
        "  untouched: everything: nothing was built, pushed or committed"
    )


@pytest.mark.parametrize("path", [".", "a/b", "..a/b..", "a/.b"])
def test_a_path_inside_the_folder_is_taken(path: str) -> None:
    assert read_pipeline(f"{SHORTEST}image: {{context: {path}}}\n").image.context == path


@pytest.mark.parametrize(
    ("layer", "key", "expected"),
    [
        ("{command: []}", "command", "List should have at least 1 item after validation, not 0"),
        ("{command: pytest}", "command", "Input should be a valid list"),
        ("{command: [a, 1]}", "command.1", "Input should be a valid string"),
        ("{command: [a], weight: 0}", "weight", "Input should be greater than or equal to 1"),
        ("{command: [a], budget: 0}", "budget", "Input should be greater than 0"),
        ("{command: [a], budget: .nan}", "budget", "Input should be greater than 0"),
        ("{command: [a], env: {A: 1}}", "env.A", "Input should be a valid string"),
        (
            "{command: [a], app: {ready: []}}",
            "app.ready",
            "List should have at least 1 item after validation, not 0",
        ),
    ],
)
def test_a_wrong_value_in_a_layer_is_refused_by_its_key(
    layer: str, key: str, expected: str
) -> None:
    error = refusal(f"app: shop\ntests:\n  layers:\n    unit: {layer}\n")
    assert error.what == f"The value of 'tests.layers.unit.{key}' is not valid."
    assert error.facts["where"] == "pipeline.yaml:4"
    assert error.facts["expected"] == expected


def test_a_pyramid_has_at_least_one_layer() -> None:
    error = refusal("app: shop\ntests: {layers: {}}\n")
    assert error.what == "The value of 'tests.layers' is not valid."


def test_a_layer_of_another_name_is_refused_with_the_three_that_there_are() -> None:
    error = refusal("app: shop\ntests:\n  layers:\n    system: {command: [pytest]}\n")
    assert error.facts["where"] == "pipeline.yaml:4"
    assert error.facts["expected"] == "Input should be 'unit', 'integration' or 'e2e'"
    assert error.facts["got"] == "'system'"


def test_a_service_without_an_image_is_refused() -> None:
    layer = "command: [a]\n      services:\n        db: {}"
    error = refusal(f"app: shop\ntests:\n  layers:\n    unit:\n      {layer}\n")
    assert error.what == "The key 'tests.layers.unit.services.db.image' is missing."
    assert error.facts["where"] == "pipeline.yaml:7"


def test_the_error_names_the_file_that_was_read() -> None:
    with pytest.raises(Refuse) as caught:
        read_pipeline("app: shop\n", "shop/pipeline.yaml@abc1234")
    assert caught.value.facts["where"] == "shop/pipeline.yaml@abc1234:1"
