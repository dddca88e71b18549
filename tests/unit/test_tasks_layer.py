from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from blocks.config import App, Layer, Service, read_pipeline
from blocks.container_runner import Ended, Sidecar
from blocks.errors import Fail
from blocks.junit import LayerResult
from blocks.source_repository import Revision
from flows.tasks.code import Code
from flows.tasks.layer import RESULTS, SHOWN_FAILURES, _environment, _judge, _sidecars

AT = datetime(2026, 11, 24, tzinfo=UTC)

UNTOUCHED = "the registry, the ops repository and the cluster"
LAYER = Layer(command=["pytest", "-q", "tests/unit"])
CODE = Code(
    app="shop",
    revision=Revision(commit="0123456789" * 4, tree="t", author="Ada", subject="change", at=AT),
    pipeline=read_pipeline("app: shop\ntests: {layers: {unit: {command: [pytest]}}}\n"),
    folder=Path("code"),
)


def junit(*cases: str) -> bytes:
    return f"<testsuite>{''.join(cases)}</testsuite>".encode()


def passed(name: str) -> str:
    return f'<testcase name="{name}"/>'


def failed(name: str, message: str = "assert 1 == 2") -> str:
    return f'<testcase name="{name}"><failure>{message}</failure></testcase>'


SKIPPED = '<testcase name="s"><skipped/></testcase>'


def judge(results: bytes | None, status: int = 0, layer: Layer = LAYER) -> LayerResult:
    lines = tuple(f"line {number}" for number in range(20))
    return _judge("unit", CODE, layer, Ended(status=status, last_lines=lines, results=results), 2.5)


def failure(results: bytes | None, status: int = 0, layer: Layer = LAYER) -> Fail:
    with pytest.raises(Fail) as caught:
        judge(results, status, layer)
    return caught.value


LAST_WORDS = "\n".join(f"             line {number}" for number in range(5, 20))


def test_a_green_layer_is_its_tests_and_its_time() -> None:
    found = judge(junit(passed("a"), passed("b"), SKIPPED))
    assert (found.layer, found.seconds) == ("unit", 2.5)
    assert [(test.name, test.outcome) for test in found.tests] == [
        ("a", "passed"),
        ("b", "passed"),
        ("s", "skipped"),
    ]


def test_a_layer_with_one_red_test_fails_with_its_message() -> None:
    assert str(failure(junit(passed("a"), failed("b")), 1)) == (
        "The unit layer is red: b failed.\n"
        "  where:     shop 0123456: pytest -q tests/unit\n"
        "  got:       b\n"
        "             assert 1 == 2\n"
        f"  untouched: {UNTOUCHED}\n"
        "  remedy:    run `pytest -q tests/unit` in the app's folder"
    )


def test_a_red_test_counts_even_where_the_command_says_all_is_well() -> None:
    assert failure(junit(failed("b")), 0).what == "The unit layer is red: b failed."


def test_of_many_red_tests_the_first_ones_are_shown() -> None:
    error = failure(junit(*(failed(f"t{number}") for number in range(SHOWN_FAILURES + 2))), 1)
    assert error.what == f"The unit layer is red: t0 and {SHOWN_FAILURES + 1} more failed."
    shown = str(error.facts["got"]).splitlines()[::2]
    assert shown == [f"t{number}" for number in range(SHOWN_FAILURES)]


def test_a_command_that_fails_without_a_red_test_fails_the_layer() -> None:
    assert str(failure(junit(passed("a")), 3)) == (
        "The unit layer is red although no test failed.\n"
        "  where:     pytest -q tests/unit\n"
        "  expected:  exit status 0\n"
        "  got:       exit status 3; its last words:\n"
        f"{LAST_WORDS}\n"
        f"  untouched: {UNTOUCHED}"
    )


@pytest.mark.parametrize(
    ("layer", "path"),
    [(LAYER, RESULTS), (Layer(command=LAYER.command, junit="out/junit.xml"), "out/junit.xml")],
)
@pytest.mark.parametrize("status", [0, 137])
def test_a_layer_without_results_has_not_passed(layer: Layer, path: str, status: int) -> None:
    assert str(failure(None, status, layer)) == (
        "The unit layer left no test results.\n"
        "  where:     pytest -q tests/unit\n"
        f"  expected:  exit status 0 and JUnit XML at {path}\n"
        f"  got:       exit status {status}; its last words:\n"
        f"{LAST_WORDS}\n"
        f"  untouched: {UNTOUCHED}\n"
        "  remedy:    write JUnit XML to $SHIPWAY_JUNIT, or set the layer's junit in pipeline.yaml"
    )


def test_results_that_cannot_be_read_have_not_passed() -> None:
    error = failure(b"oops")
    assert (error.what, error.facts["where"]) == (
        "The test results cannot be read.",
        "results of unit",
    )


@pytest.mark.parametrize(
    ("results", "got"),
    [(junit(), "0 skipped"), (junit(SKIPPED, SKIPPED), "2 skipped")],
    ids=["none", "all skipped"],
)
def test_a_layer_in_which_no_test_ran_has_not_passed(results: bytes, got: str) -> None:
    assert str(failure(results)) == (
        "The unit layer ran no test.\n"
        "  where:     pytest -q tests/unit\n"
        "  expected:  at least one test that passes\n"
        f"  got:       {got}\n"
        f"  untouched: {UNTOUCHED}"
    )


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
    assert _sidecars(layer, image) == expected


def test_a_service_cannot_take_the_name_of_the_app() -> None:
    with pytest.raises(ValidationError, match="a service cannot be named app"):
        Layer(command=["pytest"], services={"app": DB}, app=App())


def test_pytest_writes_its_results_and_stops_at_the_first_failure_by_itself() -> None:
    options = f"--junitxml={RESULTS} --exitfirst --no-header -p no:cacheprovider"
    assert _environment(LAYER) == {"PYTEST_ADDOPTS": options, "SHIPWAY_JUNIT": RESULTS}


def test_the_layers_own_environment_goes_first() -> None:
    layer = Layer(command=["pytest"], env={"PYTEST_ADDOPTS": "-x", "A": "b"})
    assert _environment(layer) == {"PYTEST_ADDOPTS": "-x", "SHIPWAY_JUNIT": RESULTS, "A": "b"}
