from __future__ import annotations

from datetime import date

import pytest

from shipway.config import pipeline
from shipway.config.pipeline import App, Image, Layer, Pipeline, Quarantine, Service, read_pipeline
from shipway.errors import RefuseError

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
  budget_seconds: 600
  layers:
    unit:
      command: [pytest, tests/unit]
      weight: 60
      runner: process
      reads: [src, tests/unit]
      shards: 4
      split: file
      retries: 2
      new_tests: 5
      quarantine:
        "tests/unit/test_cart.py::test_total":
          {owner: Ada, until: 2026-12-31, reason: "issue 12"}
      budget_seconds: 30.5
      over_budget: fail
      timeout_seconds: 60
    integration:
      command: [pytest, tests/integration]
      env: {DATABASE: db}
      services:
        db:
          image: postgres:17
          env: {POSTGRES_PASSWORD: test}
          ready: [pg_isready]
    e2e:
      command: [npx, playwright, "{files}"]
      files: "e2e/*.spec.js"
      tool: tap
      app: {env: {PORT: "80"}, ready: [curl, localhost]}
      junit: results/junit.xml
    load:
      command: [k6, run]
      weight: 5
"""


def refusal(text: str) -> RefuseError:
    with pytest.raises(RefuseError) as caught:
        read_pipeline(text)
    return caught.value


def test_the_shortest_file_has_every_default() -> None:
    assert read_pipeline(SHORTEST) == Pipeline(
        app="shop",
        image=Image(context=".", dockerfile="Dockerfile", target=None, args={}),
        tests=pipeline.Tests(
            target=None,
            budget_seconds=900,
            layers={
                "unit": Layer(
                    command=["pytest"],
                    weight=None,
                    runner="container",
                    tool=None,
                    files=None,
                    junit=None,
                    shards="auto",
                    split="test",
                    retries=0,
                    new_tests=3,
                    quarantine={},
                    budget_seconds=None,
                    over_budget="report",
                    timeout_seconds=900,
                    env={},
                    services={},
                    app=None,
                    reads=["."],
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
        tests=pipeline.Tests(
            target="test",
            budget_seconds=600,
            layers={
                "unit": Layer(
                    command=["pytest", "tests/unit"],
                    weight=60,
                    runner="process",
                    reads=["src", "tests/unit"],
                    shards=4,
                    split="file",
                    retries=2,
                    new_tests=5,
                    quarantine={
                        "tests/unit/test_cart.py::test_total": Quarantine(
                            owner="Ada", until=date(2026, 12, 31), reason="issue 12"
                        )
                    },
                    budget_seconds=30.5,
                    over_budget="fail",
                    timeout_seconds=60,
                ),
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
                    command=["npx", "playwright", "{files}"],
                    files="e2e/*.spec.js",
                    tool="tap",
                    app=App(env={"PORT": "80"}, ready=["curl", "localhost"]),
                    junit="results/junit.xml",
                ),
                "load": Layer(command=["k6", "run"], weight=5),
            },
        ),
    )


def test_weights_are_the_teams_or_70_20_10_and_share_the_whole() -> None:
    tests = read_pipeline(WHOLE).tests
    shares = {name: tests.weight(name) for name in tests.layers}
    assert shares == {"unit": 60 / 95, "integration": 20 / 95, "e2e": 10 / 95, "load": 5 / 95}
    assert read_pipeline(SHORTEST).tests.weight("unit") == 1


def test_a_layers_budget_is_its_own_or_its_weights_share() -> None:
    tests = read_pipeline(WHOLE).tests
    assert tests.budget_seconds_of("unit") == 30.5
    assert tests.budget_seconds_of("integration") == 600 * (20 / 95)


@pytest.mark.parametrize(
    ("layer", "tool"),
    [
        ("{command: [pytest, -q]}", "pytest"),
        ("{command: [python, -m, pytest]}", "pytest"),
        ("{command: [sh, -c, 'pytest -q']}", "pytest"),
        ("{command: [go, test, ./...]}", "go"),
        ("{command: [/usr/local/go/bin/go, -C, src, test, ./...]}", "go"),
        ("{command: [sh, -c, 'go test ./...']}", "junit"),
        ("{command: [go, run, ./cmd]}", "junit"),
        ("{command: [node, --test]}", "junit"),
        ("{command: [pytest], junit: out.xml}", "junit"),
        ("{command: [pytest], tool: junit}", "junit"),
        ("{command: [node, --test, '{files}'], files: '*.js', tool: tap}", "tap"),
    ],
)
def test_the_tool_is_the_given_one_or_seen_from_the_command(layer: str, tool: str) -> None:
    text = f"app: shop\ntests: {{layers: {{unit: {layer}}}}}\n"
    assert read_pipeline(text).tests.layers["unit"].tool_name == tool


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
        "  expected:  must be a path inside the app's folder\n"
        f"  got:       '{path}'\n"
        "  untouched: everything: nothing was built, pushed or committed\n"
        "  remedy:    correct it there; `shipway check` finds such mistakes before a commit"
    )


@pytest.mark.parametrize("path", [".", "a/b", "..a/b..", "a/.b"])
def test_a_path_inside_the_folder_is_taken(path: str) -> None:
    assert read_pipeline(f"{SHORTEST}image: {{context: {path}}}\n").image.context == path


@pytest.mark.parametrize("path", ["./a/b", "a//b", "a/b/", "a/./b"])
def test_one_path_has_one_name(path: str) -> None:
    assert read_pipeline(f"{SHORTEST}image: {{context: {path}}}\n").image.context == "a/b"


@pytest.mark.parametrize(
    ("layer", "key", "expected"),
    [
        ("{command: []}", "command", "List should have at least 1 item after validation, not 0"),
        ("{command: pytest}", "command", "Input should be a valid list"),
        ("{command: [a, 1]}", "command.1", "Input should be a valid string"),
        ("{command: [a], weight: 0}", "weight", "Input should be greater than 0"),
        ("{command: [a], budget_seconds: 0}", "budget_seconds", "Input should be greater than 0"),
        (
            "{command: [a], budget_seconds: .nan}",
            "budget_seconds",
            "Input should be greater than 0",
        ),
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


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("{command: [make], retries: 1}", "shards and retries need a tool that runs parts"),
        ("{command: [make], shards: 2}", "shards and retries need a tool that runs parts"),
        ("{command: [make], files: 'a*'}", "files and {files} in the command belong together"),
        ("{command: [make, '{files}']}", "files and {files} in the command belong together"),
        (
            "{command: [pytest, '{files}'], tool: pytest, files: 'a*'}",
            "files and junit are for other",
        ),
        (
            "{command: [go, test], tool: go, junit: a.xml}",
            "files and junit are for other tools: go",
        ),
        ("{command: [sh, -c, 'go test'], tool: go}", "tool: go needs the words `go` and `test`"),
        ("{command: [pytest], reads: [src]}", "reads is for runner: process"),
        ("{command: [pytest], runner: process, app: {}}", "a process has no services and no app"),
        (
            "{command: [pytest], app: {}, services: {app: {image: a}}}",
            "a service cannot be named app",
        ),
    ],
)
def test_keys_that_do_not_go_together_are_refused(layer: str, expected: str) -> None:
    error = refusal(f"app: shop\ntests:\n  layers:\n    unit: {layer}\n")
    assert error.what == "The value of 'tests.layers.unit' is not valid."
    assert error.facts["where"] == "pipeline.yaml:4"
    assert str(error.facts["expected"]).startswith(f"{expected}")


@pytest.mark.parametrize(
    ("text", "key", "today"),
    [
        ("budget: 9, layers: {unit: {command: [a]}}", "tests.budget", "budget_seconds"),
        ("layers: {unit: {command: [a], budget: 9}}", "tests.layers.unit.budget", "budget_seconds"),
        (
            "layers: {e2e: {command: [a], timeout: 9}}",
            "tests.layers.e2e.timeout",
            "timeout_seconds",
        ),
    ],
)
def test_a_key_that_was_renamed_is_refused_with_its_name_today(
    text: str, key: str, today: str
) -> None:
    error = refusal(f"app: shop\ntests: {{{text}}}\n")
    assert error.what == f"The key {key!r} is called {today!r} today."


def test_a_layer_of_another_name_needs_a_weight() -> None:
    error = refusal("app: shop\ntests:\n  layers:\n    system: {command: [pytest]}\n")
    assert "the layer 'system' needs a weight" in str(error.facts["expected"])


@pytest.mark.parametrize("name", ["code", "build", "release", "deploy"])
def test_a_layer_cannot_bear_the_name_of_another_stage(name: str) -> None:
    error = refusal(f"app: shop\ntests: {{layers: {{{name}: {{command: [a], weight: 1}}}}}}\n")
    assert f"'{name}' is another stage of a release" in str(error.facts["expected"])


def test_the_cheapest_layer_runs_first() -> None:
    layers = "e2e: {command: [pytest]}, unit: {command: [pytest]}"
    error = refusal(f"app: shop\ntests: {{layers: {{{layers}}}}}\n")
    assert "unit, then integration, then e2e" in str(error.facts["expected"])


def test_a_quarantine_has_an_owner_a_last_day_and_a_reason() -> None:
    entry = "t::x: {until: 2026-12-31, reason: flaky}"
    layer = f"{{command: [pytest], quarantine: {{{entry}}}}}"
    error = refusal(f"app: shop\ntests:\n  layers:\n    unit: {layer}\n")
    assert error.what == "The key 'tests.layers.unit.quarantine.t::x.owner' is missing."


def test_a_service_without_an_image_is_refused() -> None:
    layer = "command: [a]\n      services:\n        db: {}"
    error = refusal(f"app: shop\ntests:\n  layers:\n    unit:\n      {layer}\n")
    assert error.what == "The key 'tests.layers.unit.services.db.image' is missing."
    assert error.facts["where"] == "pipeline.yaml:7"


def test_the_error_names_the_file_that_was_read() -> None:
    with pytest.raises(RefuseError) as caught:
        read_pipeline("app: shop\n", "shop/pipeline.yaml@abc1234")
    assert caught.value.facts["where"] == "shop/pipeline.yaml@abc1234:1"


def test_what_an_app_uses_and_needs_is_listed() -> None:
    made = read_pipeline(f"{SHORTEST}uses: [libs/money/, go.work]\nneeds: [mail]\n")
    assert (made.uses, made.needs) == (["libs/money", "go.work"], ["mail"])


@pytest.mark.parametrize("path", ["/libs", "../libs", "libs/../../x"])
def test_what_an_app_uses_is_in_the_repository(path: str) -> None:
    error = refusal(f"{SHORTEST}uses: ['{path}']\n")
    assert "must be a path from the repository's root" in str(error)


def test_the_root_as_a_context_holds_what_is_used() -> None:
    root = "image: {context: /}\n"
    assert read_pipeline(f"{SHORTEST}{root}uses: [libs]\n").image.context == "/"
    assert "list in uses what the app takes from there" in str(refusal(f"{SHORTEST}{root}"))
