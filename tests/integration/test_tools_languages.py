"""The examples in other languages: built for real, and told of by their own tools."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shipway.errors import FailError
from shipway.pyramid.plan import Plan
from tests.support.built_app import BuiltApp
from tests.support.project import HOME
from tests.support.telling import Told, tell


@pytest.fixture
def app(request: pytest.FixtureRequest, tmp_path: Path, python_image: str) -> BuiltApp:
    code = tmp_path / request.param
    shutil.copytree(HOME / "examples" / "languages" / request.param, code)
    return BuiltApp(code, python_image)


go = pytest.mark.parametrize("app", ["go"], indirect=True)
node = pytest.mark.parametrize("app", ["node"], indirect=True)

CART = "example.org/shop/cart"
GREETING = "example.org/shop/greeting"
GO_TESTS = {
    f"{CART}::TestTotal/an_empty_cart_costs_nothing": "passed",
    f"{CART}::TestTotal/items_count": "passed",
    f"{GREETING}::TestFor": "passed",
}


@go
async def test_a_go_app_is_green_whole_and_in_shards(app: BuiltApp) -> None:
    async with app.place() as place:
        told = await tell(place, app.tool(), Plan())
        assert told.outcomes() == GO_TESTS
        parts = [await tell(place, app.tool(), Plan(shard=one, shards=2)) for one in (0, 1)]
    assert [{name.partition("::")[0] for name in part.outcomes()} for part in parts] == [
        {CART},
        {GREETING},
    ]
    assert {name: one for part in parts for name, one in part.outcomes().items()} == GO_TESTS


@go
async def test_a_go_test_that_fails_is_told_before_the_end_and_runs_again_alone(
    app: BuiltApp,
) -> None:
    app.change("greeting/greeting_test.go", 'For("Ada")', 'For("Bob")')
    waiting = '\tif _, err := os.Stat("/shipway/go"); err != nil { t.Fatal(err) }\n'
    other = (
        'package cart\nimport ("os"; "testing")\nfunc TestGate(t *testing.T) {\n' + waiting + "}\n"
    )
    (app.code / "cart" / "gate_test.go").write_text(other)
    async with app.place() as place:
        told = await tell(place, app.tool(), Plan())
        failed = {one.name: one for one in told.results if one.outcome == "failed"}
        assert failed.keys() == {f"{CART}::TestGate", f"{GREETING}::TestFor"}
        assert told.at_once == len(told.results) == 4
        test = failed[f"{GREETING}::TestFor"]
        assert test.message == 'For = "Hello, Bob!", want "Hello, Ada!"'
        assert (test.file, test.line) == ("greeting_test.go", 7)
        tool = app.tool()
        again = await tell(place, tool, Plan(only=(tool.unit_of(test),)))
        assert again.outcomes() == {test.name: "failed"}


@go
async def test_a_go_package_that_does_not_build_or_panics_is_a_failure(app: BuiltApp) -> None:
    dockerfile = app.code / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("RUN go test -run='^$' ./...", "RUN true"))
    app.change("greeting/greeting_test.go", 'For("Ada"); got', "For(5); got")
    app.change("cart/cart_test.go", "if got := Total", 'panic("no prices")\n\t\t\tif got := Total')
    async with app.place() as place:
        told = await tell(place, app.tool(), Plan())
    failed = {one.name: one for one in told.results}
    assert set(told.outcomes().values()) == {"failed"}
    assert GREETING in failed
    assert "cannot use 5" in failed[GREETING].output
    (panic,) = (one for name, one in failed.items() if name.startswith(f"{CART}::TestTotal/"))
    assert panic.message.startswith("panic: no prices")
    assert "goroutine" in panic.output


TOTAL, PRICE = "tests/total.test.js", "tests/price.test.js"
NODE_TESTS = {
    f"{TOTAL}::test::an empty cart costs nothing": "passed",
    f"{TOTAL}::test::counts them": "passed",
    f"{TOTAL}::test::adds them up": "passed",
    f"{PRICE}::test::a price has two digits after the point": "passed",
}


@node
async def test_a_node_app_is_green_whole_and_in_shards(app: BuiltApp) -> None:
    async with app.place() as place:
        told = await tell(place, app.tool(), Plan())
        assert told.outcomes() == NODE_TESTS
        parts = [await tell(place, app.tool(), Plan(shard=one, shards=2)) for one in (0, 1)]
    assert {one.file for part in parts for one in part.results} == {TOTAL, PRICE}
    assert [len({one.file for one in part.results}) for part in parts] == [1, 1]
    assert {name: one for part in parts for name, one in part.outcomes().items()} == NODE_TESTS


@node
async def test_a_node_test_that_fails_is_told_before_the_end_and_its_file_runs_again(
    app: BuiltApp,
) -> None:
    app.change(PRICE, '"5.99 €"', '"5,99 €"')
    # Two tests of one name in two files are two tests.
    app.change(PRICE, "a price has two digits after the point", "counts them")
    async with app.place() as place:
        live = Told()
        await tell(place, app.tool(fail_fast=True), Plan(), live)
        assert live.at_once == 1
        assert (live.results[0].name, live.results[0].outcome) == ("counts them", "failed")

        told = await tell(place, app.tool(), Plan())
        assert told.at_once == 0
        (failed,) = (one for one in told.results if one.outcome == "failed")
        assert failed.name == f"{PRICE}::test::counts them"
        assert told.outcomes()[f"{TOTAL}::test::counts them"] == "passed"
        assert "'5.99 €' == '5,99 €'" in failed.message

        tool = app.tool()
        assert tool.unit_of(failed) == PRICE
        again = await tell(place, tool, Plan(only=(PRICE,)))
        assert again.outcomes() == {failed.name: "failed"}


@node
async def test_a_node_test_that_is_to_do_may_fail_and_one_beside_suites_is_seen(
    app: BuiltApp,
) -> None:
    app.change(TOTAL, 'it("adds them up", ', 'it.todo("adds them up", ')
    app.change(TOTAL, ", 599)", ", 600)")
    app.change(TOTAL, 'test("an empty cart', 'test.skip("an empty cart')
    async with app.place() as place:
        told = await tell(place, app.tool(fail_fast=True), Plan())
    assert told.outcomes() == NODE_TESTS | {
        f"{TOTAL}::test::adds them up": "skipped",
        f"{TOTAL}::test::an empty cart costs nothing": "skipped",
    }
    assert told.at_once == 0


@node
async def test_a_node_file_that_cannot_be_read_is_a_failure(app: BuiltApp) -> None:
    app.change(PRICE, '"../cart.js"', '"../no-such-file.js"')
    async with app.place() as place:
        told = await tell(place, app.tool(), Plan())
    assert [one.outcome for one in told.results].count("failed") == 1
    assert any("no-such-file.js" in line for line in told.lines)


@node
async def test_a_node_program_that_is_killed_leaves_no_green(app: BuiltApp) -> None:
    (app.code / PRICE).write_text("process.kill(process.ppid, 'SIGKILL');\n")
    async with app.place() as place:
        with pytest.raises(FailError) as caught:
            await tell(place, app.tool(), Plan())
    assert caught.value.what in {
        "The test command left no results.",
        "The test results cannot be read.",
    }
