"""What developers are told to type, as text; a system test types it."""

from __future__ import annotations

from typing import Any

from shipway.by_hand import build_by_hand, run_by_hand
from shipway.config.pipeline import Pipeline

DATABASE = {
    "image": "postgres:16",
    "env": {"POSTGRES_PASSWORD": "not so secret"},
    "ready": ["pg_isready", "-U", "postgres"],
}
TEST = "pytest 'tests/test_db.py::test_it[a b]'"


def pipeline(image: dict[str, Any] | None = None, **layer: Any) -> Pipeline:
    settings = {"command": ["pytest"], **layer}
    tests = {"target": "test", "layers": {"integration": settings}}
    return Pipeline.model_validate({"app": "shop", "image": image or {}, "tests": tests})


def test_a_build_names_file_stage_arguments_and_context() -> None:
    assert build_by_hand(pipeline().image, None) == "docker build ."
    given = {"context": "app", "dockerfile": "docker/Dockerfile", "args": {"V": "1 2"}}
    assert build_by_hand(pipeline(given).image, "runtime", "--quiet") == (
        "docker build --quiet --file docker/Dockerfile --target runtime '--build-arg=V=1 2' app"
    )


def test_a_build_from_the_root_of_the_repository_is_started_in_the_apps_folder() -> None:
    image = pipeline().image.model_copy(update={"context": "/"})
    assert build_by_hand(image, None) == (
        'docker build --file Dockerfile "$(git rev-parse --show-toplevel)"'
    )


def test_a_layer_of_tests_alone_needs_only_their_command() -> None:
    assert run_by_hand(pipeline(), "integration", TEST) == TEST


def test_a_layer_with_services_has_them_started_first_and_removed_after() -> None:
    made = pipeline(services={"db": DATABASE}, env={"DB": "db"})
    assert run_by_hand(made, "integration", TEST).splitlines() == [
        "docker network create shop-integration",
        "docker run --detach --name shop-integration-db --network shop-integration "
        "--network-alias db '--env=POSTGRES_PASSWORD=not so secret' postgres:16",
        "until docker exec shop-integration-db pg_isready -U postgres; do sleep 1; done",
        "docker run --rm --network shop-integration --entrypoint '' --env=DB=db "
        f'"$(docker build --quiet --target test .)" {TEST}',
        "docker rm --force shop-integration-db; docker network rm shop-integration",
    ]


def test_the_app_beside_the_tests_is_built_as_it_ships() -> None:
    made = pipeline({"target": "runtime"}, app={"env": {"A": "b"}})
    _, app, is_ready, _, _ = run_by_hand(made, "integration", TEST).splitlines()
    assert app == (
        "docker run --detach --name shop-integration-app --network shop-integration "
        '--network-alias app --env=A=b "$(docker build --quiet --target runtime .)"'
    )
    assert is_ready.endswith(' shop-integration-app)" = healthy ]; do sleep 1; done')
