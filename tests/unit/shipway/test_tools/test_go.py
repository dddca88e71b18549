from __future__ import annotations

from pathlib import Path

import pytest

from shipway.errors import RefuseError
from shipway.pyramid.plan import Plan
from shipway.test_tools.go import Go
from shipway.test_tools.go_packages import arguments, packages_of
from tests.support.go_events import still_running

SHOP = "example.org/shop"


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folders = ("cart", "cart/tax", "cartoon", "vendor/v", "testdata/t", "_old", ".git", "other/in")
    for folder in (".", *folders):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "a_test.go").touch()
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.go").touch()
    (tmp_path / "go.mod").write_text("// a comment\nmodule example.org/shop\n\ngo 1.22\n")
    (tmp_path / "other" / "go.mod").write_text('module "example.org/other"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("words", "packages"),
    [
        ("", []),
        ("./...", ["./..."]),
        ("-v -race ./a ./b", ["./a", "./b"]),
        ("-run TestX ./a", ["./a"]),
        ("-run=TestX -count 1 --tags e2e ./a", ["./a"]),
        ("-test.v -test.run TestX ./a -args x y", ["./a"]),
        ("./a -v", ["./a"]),
        ("-v -args ./a", []),
        ("-run", []),
    ],
)
def test_packages_stand_after_flags_and_their_values(words: str, packages: list[str]) -> None:
    assert words.split()[arguments(words.split())] == packages


@pytest.mark.parametrize(
    ("command", "packages"),
    [
        ("go test", [""]),
        ("go test ./...", ["", "/cart", "/cart/tax", "/cartoon"]),
        ("go test ./cart", ["/cart"]),
        ("go test ./cart/", ["/cart"]),
        ("go test ./cart/...", ["/cart", "/cart/tax"]),
        ("go test ./cart...", ["/cart", "/cart/tax", "/cartoon"]),
        ("go test . ./cartoon ./plain", ["", "/cartoon"]),
        ("go test -tags e2e example.org/shop/cart/...", ["/cart", "/cart/tax"]),
        ("go test -v example.org/nowhere", []),
    ],
)
def test_the_packages_are_those_that_go_would_test(
    code: Path, command: str, packages: list[str]
) -> None:
    assert packages_of(command.split(), code) == [f"{SHOP}{one}" for one in packages]


def test_another_folder_has_a_module_of_its_own(code: Path) -> None:
    assert packages_of(["go", "-C", "other", "test", "./..."], code) == ["example.org/other/in"]


def test_without_a_module_there_is_nothing_to_split(code: Path) -> None:
    with pytest.raises(RefuseError, match="There is no Go module"):
        packages_of(["go", "-C", "plain", "test", "./..."], code)


def test_shards_share_the_packages_and_keep_the_flags(code: Path) -> None:
    tool = Go(["go", "test", "-tags", "e2e", "./cart/...", "-timeout", "5s"], code)
    commands: list[list[str]] = []
    for shard in range(3):
        found = tool.invocation(Plan(shard=shard, shards=3), "/shipway", {})
        commands += [] if found is None else [found.command]
    head = ["go", "test", "-json", "-count=1", "-tags", "e2e"]
    assert sorted(commands) == [
        [*head, f"{SHOP}/cart", "-timeout", "5s"],
        [*head, f"{SHOP}/cart/tax", "-timeout", "5s"],
    ]


def test_alone_means_the_test_in_its_package(code: Path) -> None:
    tool = Go(["go", "test", "-race", "./..."], code)
    found = tool.invocation(Plan(only=(f"{SHOP}/cart::TestTotal/empty",)), "/shipway", {})
    assert found is not None
    assert found.command == [
        *("go", "test", "-json", "-count=1", "-run=^(TestTotal)$", "-race"),
        f"{SHOP}/cart",
    ]


def test_one_shard_runs_the_command_as_it_is(code: Path) -> None:
    found = Go(["go", "test", "-json", "-count=2", "./..."], code).invocation(Plan(), "/f", {})
    assert found is not None
    assert found.command == ["go", "test", "-json", "-count=2", "./..."]


def test_the_innermost_tests_that_run_are_known_with_what_they_printed() -> None:
    events = """
        run p TestDone
        pass p TestDone
        run p TestWaits
        pause p TestWaits
        run p TestHangs
        run p TestHangs/inner
        TestHangs/inner p before it hangs
    """
    assert still_running(events) == {"p::TestHangs/inner": "before it hangs\n"}
