from __future__ import annotations

from shipway.kubernetes.apply_object import Change
from shipway.kubernetes.differences import Difference
from shipway.reports.drift import drift_rows
from shipway.rollout.apply import Applied

FIELD = Difference(field="spec.replicas", live="1", desired="2", writer="kubectl at 10:00")


def applied(*changes: Change) -> Applied:
    return Applied(folder="prod/shop", commit="0" * 40, changes=changes)


def test_drift_is_one_row_a_field_and_leaves_out_what_git_asked_for() -> None:
    found = applied(
        Change(title="Service/a", action="unchanged"),
        Change(title="Deployment/a", action="updated", differences=(FIELD,)),
        Change(title="Deployment/b", action="updated", drift=True, differences=(FIELD, FIELD)),
    )
    row = {
        "app": "prod/shop",
        "object": "Deployment/b",
        "field": "spec.replicas",
        "live": "1",
        "Git": "2",
        "written by": "kubectl at 10:00",
        "now": "put back",
    }
    assert drift_rows([found]) == [row, row]


def test_drift_that_is_only_told_of_says_so() -> None:
    change = Change(title="Deployment/a", action="left", drift=True, differences=(FIELD,))
    (row,) = drift_rows([applied(change)])
    assert row["now"] == "left as it is"


def test_an_object_deleted_in_the_cluster_stands_in_the_drift_table() -> None:
    change = Change(title="Deployment/a", action="created", drift=True)
    assert len(drift_rows([applied(change)])) == 1
