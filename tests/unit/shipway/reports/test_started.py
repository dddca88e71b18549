from __future__ import annotations

from shipway.git.source_refs import Ref
from shipway.reports.started import Promoted, Started, started_rows, started_sentence
from shipway.rollout.new_revisions import Left, Next
from shipway.rollout.waves import Waiting
from tests.support.app_environments import SHOP
from tests.support.statuses import deployed


def started(*superseded: str) -> Started:
    refs = [Ref(commit=name * 40, names=(f"refs/tags/v{name}",)) for name in ("3", *superseded)]
    new = Next(app_environment=SHOP, ref=refs[0], superseded=tuple(refs[1:]))
    return Started(new=new, run="https://prefect/run")


def test_each_revision_has_a_row_in_the_order_of_ancestry() -> None:
    rows = started_rows([started("2", "1")])
    assert [(row["revision"], row["commit"], row["what"]) for row in rows] == [
        ("v1", "1111111", "superseded by v3"),
        ("v2", "2222222", "superseded by v3"),
        ("v3", "3333333", "[released](https://prefect/run)"),
    ]
    assert {(row["app"], row["environment"]) for row in rows} == {("shop", "prod")}


def test_a_sentence_counts_them() -> None:
    left = Left(app_environment=SHOP, why="it is on hold")
    assert started_sentence([]) == "nothing to start"
    assert started_sentence([left]) == "1 environment left to people, see the log"
    assert started_sentence([started()]) == "1 release started"
    assert started_sentence([started("2"), left, left, started("1")]) == (
        "2 releases started, 2 superseded, 2 environments left to people, see the log"
    )


def test_a_promotion_has_a_row_and_is_counted() -> None:
    version = deployed("b")
    waiting = Waiting(app_environment=SHOP, version=version, state="due", why="is due")
    promoted = Promoted(waiting=waiting, run="https://prefect/run")
    (row,) = started_rows([promoted])
    assert (row["environment"], row["commit"], row["what"]) == (
        "prod",
        "bbbbbbb",
        "[promoted](https://prefect/run)",
    )
    assert started_sentence([started(), promoted]) == "1 release started, 1 promotion started"
