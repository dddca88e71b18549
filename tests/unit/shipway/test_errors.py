from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.errors import FailError, HaltError, RefuseError, RetryError, ShipwayError
from shipway.pyramid.results import LayerResult, RedLayerError, TestResult

KINDS = (RetryError, RefuseError, FailError, HaltError)
FACTS = ("where", "expected", "got", "untouched", "remedy")


def test_the_text_has_one_aligned_line_for_each_fact_in_a_fixed_order() -> None:
    error = RefuseError(
        "The key is wrong.",
        remedy="correct it",
        untouched="the cluster",
        got="'x'",
        expected="'y'",
        where="a.yaml:3",
    )
    assert str(error) == (
        "The key is wrong.\n"
        "  where:     a.yaml:3\n"
        "  expected:  'y'\n"
        "  got:       'x'\n"
        "  untouched: the cluster\n"
        "  remedy:    correct it"
    )


def test_a_fact_of_several_lines_stays_in_its_column() -> None:
    assert str(FailError("Red.", got="one\ntwo")) == "Red.\n  got:       one\n             two"


def test_a_fact_that_is_not_known_has_no_line() -> None:
    assert str(FailError("Red.", where=None, got="")) == "Red."


def test_the_repr_is_the_text_that_people_read() -> None:
    error = FailError("Red.", where="here")
    assert repr(error) == "Red.\n  where:     here"


def test_the_first_sentence_alone_is_the_argument() -> None:
    assert FailError("Red.", where="here").args == ("Red.",)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_caught_as_a_shipway_error_and_as_no_other_kind(
    kind: type[ShipwayError],
) -> None:
    error = kind("x")
    assert [other for other in KINDS if isinstance(error, other)] == [kind]
    assert isinstance(error, ShipwayError)


class TooLargeError(RefuseError):
    """Has a field of its own, and asks for other things than its base."""

    def __init__(self, name: str, *, size_bytes: int) -> None:
        super().__init__(f"{name} is too large.", where=name, got=f"{size_bytes} bytes")
        self.size_bytes = size_bytes


def pickled(error: ShipwayError) -> ShipwayError:
    return pickle.loads(pickle.dumps(error))  # noqa: S301  # pickled in the same line


COPIES = pytest.mark.parametrize("copied", [pickled, copy.copy, copy.deepcopy])


@COPIES
def test_what_a_subclass_adds_survives(copied: Callable[[ShipwayError], ShipwayError]) -> None:
    error = TooLargeError("a.yaml", size_bytes=7)
    error.add_note("in a test")
    again = copied(error)
    assert type(again) is TooLargeError
    assert again.size_bytes == 7
    assert (str(again), again.args) == (str(error), error.args)
    assert again.__notes__ == ["in a test"]


@COPIES
def test_a_red_layer_keeps_what_it_came_to(
    copied: Callable[[RedLayerError], RedLayerError],
) -> None:
    test = TestResult(name="t.py::a", outcome="failed", seconds=0.1)
    error = RedLayerError("The unit layer is red.", where="shop")
    error.result = LayerResult(layer="unit", weight=70, budget_seconds=9, tests=(test,), seconds=1)
    again = copied(error)
    assert again.result == error.result
    assert str(again) == str(error)


@given(
    kind=st.sampled_from(KINDS),
    what=st.text(),
    facts=st.dictionaries(st.sampled_from(FACTS), st.none() | st.text()),
)
def test_an_error_survives_pickling_whole(
    kind: type[ShipwayError], what: str, facts: dict[str, str | None]
) -> None:
    error = kind(what, **facts)
    again = pickled(error)
    assert type(again) is kind
    assert (again.what, again.facts, again.args) == (error.what, error.facts, error.args)
    assert str(again) == str(error)


@given(what=st.text(), facts=st.dictionaries(st.sampled_from(FACTS), st.text()))
def test_any_text_can_be_shown_and_no_line_of_it_is_lost(what: str, facts: dict[str, str]) -> None:
    shown = str(RefuseError(what, **facts))
    assert shown.startswith(what)
    for fact in facts.values():
        for line in fact.splitlines():
            assert line in shown
