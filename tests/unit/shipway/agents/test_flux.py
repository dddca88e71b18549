from __future__ import annotations

import pytest

from shipway.agents.agent import Object
from shipway.agents.flux import Flux
from shipway.agents.verdict import Verdict, judge
from tests.support.agents import (
    EARLIER,
    LATER,
    TIP,
    condition,
    git_repository,
    kustomization,
    ready,
    state_of,
)

FLUX = Flux(kustomization="shop")
WITH_HELM = Flux(kustomization="shop", helm_release="shop")


def says(*bodies: Object, flux: Flux = FLUX, since: set[str] | None = None) -> Verdict:
    return judge(state_of(flux, *bodies), since or {TIP})


def helm_release(*conditions: Object) -> Object:
    return {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": "shop", "namespace": "flux-system", "generation": 2},
        "spec": {},
        "status": {"conditions": list(conditions)},
    }


def test_what_has_applied_the_commit_is_named_with_it() -> None:
    verdict = says(kustomization(), git_repository())
    assert verdict.says == "applied"
    assert verdict.words == (
        f"Flux Kustomization/shop in namespace flux-system has applied {TIP[:7]}"
    )


@pytest.mark.parametrize(("since", "expected"), [({TIP, LATER}, "applied"), ({TIP}, "unknown")])
def test_a_later_commit_counts_only_where_git_says_that_it_contains_ours(
    since: set[str], expected: str
) -> None:
    assert says(kustomization(applied=LATER), git_repository(), since=since).says == expected


@pytest.mark.parametrize("revision", ["main@sha1:1234567", "6.3.1", ""])
def test_a_revision_that_is_no_commit_is_no_answer(revision: str) -> None:
    body = kustomization()
    body["status"] |= {"lastAppliedRevision": revision, "lastAttemptedRevision": revision}
    assert says(body, git_repository()).says == "unknown"


@pytest.mark.parametrize("kind", ["Kustomization", "GitRepository"])
def test_what_is_suspended_is_told_with_the_command_that_resumes_it(kind: str) -> None:
    verdict = says(
        kustomization(suspend=kind == "Kustomization"),
        git_repository(suspend=kind == "GitRepository"),
    )
    assert verdict.says == "suspended"
    name = {"Kustomization": "shop", "GitRepository": "ops"}[kind]
    assert verdict.words == f"{kind}/{name} in namespace flux-system is suspended"
    assert verdict.remedy is not None
    assert verdict.remedy.endswith(
        f' {name} -n flux-system --type merge -p \'{{"spec": {{"suspend": false}}}}\'`'
    )


@pytest.mark.parametrize("reason", ["BuildFailed", "ReconciliationFailed", "SomethingNew"])
def test_a_failure_on_the_commit_is_told_in_its_words(reason: str) -> None:
    failing = kustomization(ready(reason, "no such field"), applied=EARLIER, attempted=TIP)
    verdict = says(failing, git_repository())
    assert verdict.says == "failing"
    assert verdict.words == f"Kustomization/shop in namespace flux-system: {reason}: no such field"


def test_a_failure_on_an_earlier_commit_is_none_on_ours() -> None:
    failing = kustomization(ready("BuildFailed", "bad"), applied=EARLIER, attempted=EARLIER)
    assert says(failing, git_repository()).says == "failed before"


def test_a_failure_of_a_spec_that_was_changed_since_is_not_told() -> None:
    failing = kustomization(
        condition("Ready", "False", "BuildFailed", "bad", generation=0), applied=EARLIER
    )
    assert says(failing, git_repository()).says == "unknown"


@pytest.mark.parametrize("reason", ["HealthCheckFailed", "PruneFailed"])
def test_a_failure_after_all_was_applied_is_the_pods_to_tell(reason: str) -> None:
    unhealthy = kustomization(ready(reason, "timeout"), applied=EARLIER, attempted=TIP)
    assert says(unhealthy, git_repository()).says == "applied"


@pytest.mark.parametrize("reason", ["DependencyNotReady", "ArtifactFailed"])
def test_what_flux_waits_for_may_pass(reason: str) -> None:
    assert says(kustomization(ready(reason), applied=EARLIER), git_repository()).says == "waits"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([ready("GitOperationFailed", "no route to host")], "waits"),
        ([ready("AuthenticationFailed", "denied")], "failing"),
        ([condition("Stalled", "True", "URLInvalid", "no scheme")], "failing"),
    ],
)
def test_a_source_that_fails_does_so_for_whatever_comes(
    conditions: list[Object], expected: str
) -> None:
    assert says(kustomization(applied=EARLIER), git_repository(*conditions)).says == expected
    assert says(kustomization(), git_repository(*conditions)).says == expected


def test_a_kustomization_in_progress_is_unknown() -> None:
    body = kustomization(condition("Ready", "Unknown", "Progressing", "…"), applied=EARLIER)
    assert says(body, git_repository()).says == "unknown"


def test_what_no_controller_has_looked_at_is_told() -> None:
    body = kustomization()
    body["status"] = {}
    verdict = says(body, git_repository())
    assert verdict.says == "waits"
    assert "no controller has looked at it yet" in verdict.words


def test_what_is_being_deleted_applies_nothing() -> None:
    body = kustomization()
    body["metadata"]["deletionTimestamp"] = "2026-11-29T21:00:00Z"
    assert says(body, git_repository()).says == "failing"


def test_a_helm_release_has_applied_a_commit_once_it_has_done_so_itself() -> None:
    done = condition("Ready", "True", "UpgradeSucceeded", "done", generation=2)
    of_before = condition("Ready", "True", "UpgradeSucceeded", "done", generation=1)
    for conditions, expected in ((done, "applied"), (of_before, "unknown")):
        bodies = (kustomization(), git_repository(), helm_release(conditions))
        assert says(*bodies, flux=WITH_HELM).says == expected


@pytest.mark.parametrize(("applied", "expected"), [(TIP, "failing"), (EARLIER, "failed before")])
def test_a_helm_upgrade_fails_on_what_the_kustomization_has_applied(
    applied: str, expected: str
) -> None:
    failed = condition("Ready", "False", "UpgradeFailed", "timed out", generation=2)
    verdict = says(
        kustomization(applied=applied), git_repository(), helm_release(failed), flux=WITH_HELM
    )
    assert verdict.says == expected
    assert verdict.of_version


def test_an_image_that_admission_denies_is_the_versions_fault() -> None:
    words = 'admission webhook "policy" denied the request: unsigned'
    failing = kustomization(ready("ReconciliationFailed", words), applied=EARLIER, attempted=TIP)
    assert says(failing, git_repository()).of_version


def test_the_source_is_the_git_repository_that_the_kustomization_names() -> None:
    (source,) = FLUX.sources(kustomization())
    assert source.address == "GitRepository/ops in namespace flux-system"
    body = kustomization(sourceRef={"kind": "GitRepository", "name": "ops", "namespace": "teams"})
    assert FLUX.sources(body)[0].namespace == "teams"
    assert FLUX.sources(kustomization(sourceRef={"kind": "OCIRepository", "name": "ops"})) == ()


def test_labels_tell_who_applies_an_object() -> None:
    group = "kustomize.toolkit.fluxcd.io"
    labels = {f"{group}/name": "shop", f"{group}/namespace": "flux-system"}
    assert Flux.applier({"metadata": {"labels": labels}}) in FLUX.titles
    assert (
        Flux.applier({"metadata": {"labels": labels | {f"{group}/name": "x"}}}) not in FLUX.titles
    )
    assert Flux.applier({"metadata": {}}) is None
