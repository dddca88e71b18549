from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shipway.agents.verdict import Says, Verdict
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.apply_object import Change
from shipway.kubernetes.compare import Comparison
from shipway.kubernetes.differences import Difference
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.observation import LastChange, Observation, RunEnd
from shipway.rollout.observe import (
    as_heard,
    can_be_rendered,
    commit_to_apply,
    drift_in,
    is_overdue,
    is_settled,
    observed,
    with_verdict,
    without_hooks,
)
from shipway.rollout.status import AppStatus
from shipway.rollout.target import target_of
from tests.support.app_environments import SHOP
from tests.support.colours import folder
from tests.support.statuses import NOW, deployed, status
from tests.support.watched import target

CHANGE = LastChange(fingerprint="f", commit="c" * 40, at=NOW)
FLUX = "external\nexternal_agent: {flux: {kustomization: shop}}"
WAITS = "the agent has not applied the commit yet"


def verdict(says: Says = "applied", *, has_applied: bool = False) -> Verdict:
    return Verdict(says=says, words=f"Flux: {says}", has_applied=has_applied)


def found(run: RunEnd = "gave up", **more: Any) -> Observation:
    return Observation(change=CHANGE, run=run, **more)


def drift(writer: str = "kubectl-edit at 10:00", title: str = "Deployment/web") -> Change:
    difference = Difference(field="spec.replicas", live="5", desired="2", writer=writer)
    return Change(title=title, action="left", drift=True, differences=(difference,))


class TestApplied:
    def see(self, said: Verdict | None, *, overdue: bool = False) -> AppStatus:
        waits = status(deployed(), health="progressing", reason=WAITS, is_applied=False)
        return with_verdict(waits, said, overdue=overdue)

    @pytest.mark.parametrize("said", [None, verdict("unknown"), verdict("waits")])
    def test_an_agent_has_as_long_as_rollout_yaml_gives_it(self, said: Verdict | None) -> None:
        soon, late = self.see(said), self.see(said, overdue=True)
        assert (soon.health, late.health) == ("progressing", "not applied")
        words = f"; {said.words}" if said else ""
        assert soon.reason == late.reason == f"{WAITS}{words}"

    @pytest.mark.parametrize("says", ["suspended", "failing"])
    def test_one_that_is_stopped_says_why_at_once(self, says: Says) -> None:
        seen = self.see(verdict(says))
        assert (seen.health, seen.reason) == ("not applied", f"Flux: {says}")

    def test_what_it_says_to_have_applied_and_is_not_there_is_told(self) -> None:
        seen = self.see(verdict(has_applied=True))
        assert seen.health == "not applied"
        assert seen.reason.startswith("Flux: applied, and yet the cluster does not say so: ")

    def test_what_the_cluster_has_needs_no_agent_to_say_so(self) -> None:
        there = status(deployed())
        assert with_verdict(there, verdict("failing"), overdue=True) == there

    def test_it_is_late_by_its_deadline_and_nobody_knows_without_a_time(self) -> None:
        late = NOW + timedelta(seconds=target().rollout.progress_deadline_seconds)
        for at, overdue in ((late, False), (late + timedelta(0, 1), True)):
            assert is_overdue(target(), CHANGE, at) is overdue
        unknown = CHANGE.model_copy(update={"at": None})
        assert not is_overdue(target(), unknown, late + timedelta(days=1))


class TestDrift:
    @pytest.mark.parametrize(
        ("said", "overdue", "settled"),
        [
            (None, False, False),
            (None, True, True),
            (verdict("unknown"), True, False),
            (verdict("suspended"), True, False),
            (verdict("suspended", has_applied=True), False, True),
            (verdict(has_applied=True), False, True),
        ],
    )
    def test_what_is_not_applied_yet_is_no_drift(
        self, said: Verdict | None, *, overdue: bool, settled: bool
    ) -> None:
        assert is_settled(said, overdue=overdue) is settled

    def test_what_the_agent_itself_makes_so_is_none(self) -> None:
        own = drift("kustomize-controller at 10:00", "Service/web")
        missing = Change(title="ConfigMap/web", action="left", drift=True)
        comparison = Comparison(differs=(drift(), own, missing))
        applied = verdict(has_applied=True)
        assert drift_in(comparison, target(FLUX), applied) == (drift(), missing)
        # Where no agent says so, it may as well not have applied it.
        assert drift_in(comparison, target(FLUX), None) == comparison.differs
        assert drift_in(comparison, target("external"), None) == comparison.differs

    def test_what_an_agent_makes_for_a_while_is_not_compared(self) -> None:
        objects = [
            KubeObject(
                file="",
                api_version="v1",
                kind="ConfigMap",
                name=name,
                namespace=None,
                body={"metadata": {"annotations": {name: "PreSync"}}},
            )
            for name in ("argocd.argoproj.io/hook", "helm.sh/hook", "other")
        ]
        assert [each.name for each in without_hooks(objects)] == ["other"]

    @pytest.mark.parametrize(
        ("more", "known"),
        [
            ({}, True),
            ({"kustomization.yaml": b"resources: []"}, False),
        ],
    )
    def test_only_what_is_rendered_here_is_compared(
        self, more: dict[str, bytes], *, known: bool
    ) -> None:
        files = folder() | more
        shop = OpsFolder(app_environment=SHOP, commit="0" * 40, files=files)
        assert can_be_rendered(target_of(shop), shop) is known

    def test_images_of_kustomize_are_rendered_where_rollout_yaml_says_so(self) -> None:
        head = "strategy: rolling\nnamespace: shop\nagent: external\n"
        head += "images: [{file: kustomization.yaml, kustomize: shop}]"
        text = b"images: [{name: shop, newName: shop, newTag: unreleased}]\n"
        render = "\nrender: {kustomize: {include: [base]}}"
        for more, commit in (("", CHANGE.commit), (render, "0" * 40)):
            rollout = f"{head}{more}\n".encode()
            files = {"rollout.yaml": rollout, "kustomization.yaml": text}
            shop = OpsFolder(app_environment=SHOP, commit="0" * 40, files=files)
            assert can_be_rendered(target_of(shop), shop) is bool(more)
            assert commit_to_apply(target_of(shop), CHANGE) == commit


class TestNews:
    def see(
        self,
        before: AppStatus | None = None,
        seen: Observation | None = None,
        changes: tuple[Change, ...] = (),
        **more: Any,
    ) -> tuple[AppStatus, list[str]]:
        asked = more.pop("deployed", deployed())
        now, news = observed(status(asked, **more), seen or found(), before, changes)
        return now, [f"{one.kind}: {one.words}" for one in news]

    def test_a_version_that_comes_after_its_release_gave_up_is_told_once(self) -> None:
        waits, told = self.see(health="progressing", reason=WAITS)
        assert told == []
        there, told = self.see(waits, reason="2 of 2")
        assert told == [
            "healthy: aaaaaaa in staging is healthy, though its release gave up: 2 of 2"
        ]
        assert self.see(there)[1] == []
        bad, told = self.see(there, health="failed", reason="it crashes")
        (words,) = told
        assert words.startswith("unhealthy: aaaaaaa in staging is not healthy, though its release")
        assert self.see(bad, health="progressing")[1] == []
        again, told = self.see(bad, health="failed")
        assert told == []
        well, told = self.see(again)
        assert told == []
        assert len(self.see(well, health="blocked")[1]) == 1

    @pytest.mark.parametrize("health", ["healthy", "failed", "not applied"])
    def test_what_a_run_sees_that_goes_on_it_tells_itself(self, health: str) -> None:
        assert self.see(seen=found("goes on"), health=health)[1] == []

    def test_a_version_whose_run_is_over_is_told_where_it_is_bad(self) -> None:
        for run in ("completed", "unknown"):
            assert self.see(seen=found(run))[1] == []
            (words,) = self.see(seen=found(run), health="failed", reason="it crashes")[1]
            assert words == "unhealthy: aaaaaaa in staging is not healthy: it crashes"

    def test_what_no_agent_applies_and_no_run_goes_on_with_is_told(self) -> None:
        half = deployed(step="2/7 canary 10%")
        told = self.see(deployed=half, health="not applied", reason="Flux is suspended")[1]
        assert [words.partition(":")[0] for words in told] == ["not_applied", "unfinished"]
        assert told[0].endswith("aaaaaaa in staging is not applied: Flux is suspended")
        assert "stays at 2/7 canary 10%: no run goes on with it" in told[1]

    def test_each_drift_is_told_when_it_comes_and_when_it_comes_again(self) -> None:
        seen = found("completed", is_compared=True)
        first, told = self.see(None, seen, (drift(),))
        assert told == [
            "drift: Deployment/web differs from Git:\n"
            "spec.replicas is 5, Git says 2; written by kubectl-edit at 10:00"
        ]
        assert first.drift == ("Deployment/web",)
        missing = Change(title="Service/web", action="left", drift=True)
        both, told = self.see(first, seen, (drift(), missing))
        assert told == ["drift: Service/web is missing in the cluster"]
        # Where it could not be compared, it may still be so.
        unknown, _ = self.see(both, found("completed"))
        assert self.see(unknown, seen, (drift(), missing))[1] == []
        none, _ = self.see(both, seen)
        assert len(self.see(none, seen, (drift(),))[1]) == 1

    def test_another_release_is_told_of_anew_and_a_cluster_that_is_silent_forgets_none(
        self,
    ) -> None:
        bad, _ = self.see(health="failed")
        silent = as_heard(status(deployed(), health="unknown"), bad)
        assert self.see(silent, health="failed")[1] == []
        other = deployed("b")
        assert as_heard(status(other), bad).observed is None
        assert len(self.see(bad, health="failed", deployed=other)[1]) == 1
        # A hold or a freeze is no other release.
        held = deployed(held=("b" * 40,))
        assert self.see(bad, health="failed", deployed=held)[1] == []
