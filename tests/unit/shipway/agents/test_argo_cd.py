from __future__ import annotations

from typing import Any

import pytest

from shipway.agents.agent import Object
from shipway.agents.argo_cd import ArgoCd
from shipway.agents.verdict import Verdict, judge
from tests.support.agents import EARLIER, TIP, application, state_of

ARGO = ArgoCd(application="shop")


def says(body: Object) -> Verdict:
    return judge(state_of(ARGO, body), {TIP})


def operation(phase: str, revision: str = TIP, message: str = "one failed") -> Object:
    of_object = {"kind": "Service", "name": "shop", "status": "SyncFailed", "message": "no port"}
    result = {"revision": revision, "resources": [of_object]}
    return {"phase": phase, "message": message, "syncResult": result}


def test_what_is_synced_to_the_commit_has_applied_it() -> None:
    assert says(application()).says == "applied"
    done = operation("Succeeded")
    assert says(application(sync="OutOfSync", revision=TIP, operation=done)).says == "applied"


@pytest.mark.parametrize("sync", ["OutOfSync", "Unknown"])
def test_what_was_only_compared_with_the_commit_has_not_applied_it(sync: str) -> None:
    assert says(application(sync=sync)).says == "unknown"


def test_one_of_several_sources_is_the_ops_repository() -> None:
    body = application()
    body["status"]["sync"] = {"status": "Synced", "revisions": ["1.2.3", TIP]}
    assert says(body).says == "applied"


@pytest.mark.parametrize("automated", [None, {"enabled": False, "prune": True}])
def test_an_application_that_waits_for_a_person_is_told(automated: Any) -> None:
    verdict = says(application(syncPolicy={"automated": automated}))
    assert verdict.says == "suspended"
    assert verdict.remedy is not None
    assert "kubectl patch application.argoproj.io shop -n argocd --type merge" in verdict.remedy


def test_an_application_that_is_not_looked_at_is_told() -> None:
    skipped = {"annotations": {"argocd.argoproj.io/skip-reconcile": "true"}}
    assert says(application(metadata=skipped)).says == "suspended"


@pytest.mark.parametrize("phase", ["Failed", "Error"])
def test_a_sync_of_the_commit_that_failed_is_told_with_what_it_says_of_objects(phase: str) -> None:
    verdict = says(application(sync="OutOfSync", operation=operation(phase)))
    assert verdict.says == "failing"
    assert verdict.words == (
        f"Application/shop in namespace argocd: sync {phase}: one failed\nService/shop: no port"
    )


def test_a_sync_of_an_earlier_commit_that_failed_is_none_of_ours() -> None:
    body = application("OutOfSync", operation=operation("Failed", EARLIER))
    assert says(body).says == "failed before"


def test_a_sync_that_failed_and_was_put_right_is_over() -> None:
    assert says(application(operation=operation("Failed"))).says == "applied"


def test_a_sync_that_runs_or_is_tried_again_is_unknown() -> None:
    assert says(application("OutOfSync", operation=operation("Running"))).says == "unknown"


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("SyncError", f"Failed last sync attempt to [{TIP}]: bad", "failing"),
        ("SyncError", f"Failed last sync attempt to [{EARLIER}]: bad", "failed before"),
        ("InvalidSpecError", "no such project", "failing"),
        ("DeletionError", "finalizer", "failing"),
        ("ComparisonError", "rpc error: code = Unavailable", "waits"),
        ("ComparisonError", "Manifest generation error (cached): bad", "failing"),
        ("SomethingNew", "?", "failing"),
        ("OrphanedResourceWarning", "3", "unknown"),
    ],
)
def test_conditions_are_told_by_what_they_are(kind: str, message: str, expected: str) -> None:
    condition = {"type": kind, "message": message}
    assert says(application("Unknown", conditions=(condition,))).says == expected


def test_an_application_that_no_controller_has_looked_at_is_told() -> None:
    body = application()
    body["status"] = {}
    assert says(body).says == "waits"


def test_two_applications_on_one_object_are_told() -> None:
    condition = {"type": "SharedResourceWarning", "message": "Deployment/shop is part of two"}
    (warning,) = state_of(ARGO, application(conditions=(condition,))).warnings
    assert warning == "SharedResourceWarning: Deployment/shop is part of two"


@pytest.mark.parametrize(
    ("tracking", "expected"),
    [
        ("shop:apps/Deployment:shop/web", True),
        ("argocd_shop:apps/Deployment:shop/web", True),
        ("cart:apps/Deployment:shop/web", False),
    ],
)
def test_the_tracking_annotation_tells_who_applies_an_object(
    tracking: str, *, expected: bool
) -> None:
    annotations = {"argocd.argoproj.io/tracking-id": tracking}
    metadata = {"name": "web", "namespace": "shop", "annotations": annotations}
    applier = ArgoCd.applier({"kind": "Deployment", "metadata": metadata})
    assert applier is not None
    assert (applier in ARGO.titles) == expected
    copied = {"kind": "Deployment", "metadata": metadata | {"name": "other"}}
    assert ArgoCd.applier(copied) is None
