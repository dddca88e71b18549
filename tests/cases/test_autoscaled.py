"""Blue/green and canary bring up enough pods where an autoscaler sets their number.

What serves has as many pods as the cluster says, whatever Git does.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.errors import HaltError, RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.manifests import field_at, set_field
from shipway.rollout.target import Target, target_of
from shipway.strategies.app_folder import REPLICAS
from shipway.strategies.step import Step
from tests.cases.edits import marked
from tests.support import canary_folder, colours
from tests.support.app_environments import SHOP
from tests.support.autoscaled import AutoscaledEnvironment, autoscaler, without_replicas
from tests.support.origin import Origin
from tests.support.plans import walk
from tests.support.rolling_environment import image

BLUE, GREEN = "Deployment/shop-blue", "Deployment/shop-green"
HPA_BLUE, HPA_GREEN = autoscaler("shop-blue"), autoscaler("shop-green")
OLD, NEW = str(image(1)), image(2)

Files = dict[str, bytes]


def blue(replicas: int | None) -> bytes:
    manifest = colours.deployment("blue", replicas or 0, OLD)
    return manifest if replicas is not None else without_replicas(manifest)


def blue_green(replicas: int | None, *autoscalers: bytes) -> Files:
    """Blue serves; its number of pods in Git may be old, or missing."""
    green = colours.deployment("green", 0, OLD)
    scalers = b"".join(autoscalers)
    return colours.folder(blue_yaml=blue(replicas), green_yaml=green, hpa_yaml=scalers)


def target(files: Files, live_pods: dict[str, int]) -> Target:
    folder = OpsFolder(app_environment=SHOP, commit="c" * 40, files=files)
    return target_of(folder).with_live_pods(live_pods)


def pods_in(step: Step, title: str) -> int | None:
    """How many pods a step gives to a Deployment; None where it leaves them."""
    values = {edit.field.title: edit.value for edit in step.edits if edit.field.name == REPLICAS}
    return None if title not in values else int(values[title])


# The folder, what the cluster says, and how many pods green comes up with.
COMES_UP: dict[str, tuple[Files, dict[str, int], int]] = {
    "as many as are live (argo-rollouts#1864)": (
        blue_green(None, HPA_BLUE, HPA_GREEN),
        {BLUE: 7},
        7,
    ),
    "whatever stale number Git has": (blue_green(2, HPA_BLUE, HPA_GREEN), {BLUE: 7}, 7),
    "fewer than Git has": (blue_green(8, HPA_BLUE, HPA_GREEN), {BLUE: 3}, 3),
    "no more than its own maxReplicas": (
        blue_green(None, HPA_BLUE, autoscaler("shop-green", 2, 5)),
        {BLUE: 7},
        5,
    ),
    "no fewer than its own minReplicas": (
        blue_green(None, autoscaler("shop-blue", 1), autoscaler("shop-green", 3)),
        {BLUE: 1},
        3,
    ),
    "no minReplicas": (
        blue_green(None, autoscaler("shop-blue", None), autoscaler("shop-green", None)),
        {},
        1,
    ),
    "the cluster was not asked": (
        blue_green(None, autoscaler("shop-blue", 4), HPA_GREEN),
        {},
        4,
    ),
    "nor was it, and Git has a number": (blue_green(6, HPA_BLUE, HPA_GREEN), {}, 6),
    "scaled to none by hand": (
        blue_green(None, autoscaler("shop-blue", 3), HPA_GREEN),
        {BLUE: 0},
        3,
    ),
    "only what serves is scaled": (blue_green(None, HPA_BLUE), {BLUE: 7}, 7),
    "only what comes up is scaled": (
        blue_green(2, autoscaler("shop-green", 3)),
        {GREEN: 0},
        3,
    ),
    "another version of the API": (
        blue_green(2, autoscaler("shop-blue", version="autoscaling/v1")),
        {BLUE: 5},
        5,
    ),
    "a namespace that both may leave out": (
        blue_green(2, autoscaler("shop-blue", namespace="shop")),
        {BLUE: 5},
        5,
    ),
    "no autoscaler, no number": (blue_green(None), {}, 1),
    "no autoscaler": (blue_green(3), {}, 3),
    "an autoscaler of another workload": (blue_green(3, autoscaler("shop")), {BLUE: 7}, 3),
    "an autoscaler of another kind": (
        blue_green(3, autoscaler("shop-blue", kind="StatefulSet")),
        {BLUE: 7},
        3,
    ),
    "an autoscaler of another namespace": (
        blue_green(3, autoscaler("shop-blue", namespace="other")),
        {BLUE: 7},
        3,
    ),
}


@pytest.mark.parametrize("case", COMES_UP.values(), ids=COMES_UP.keys())
def test_the_idle_colour_comes_up_with_enough_pods(case: tuple[Files, dict[str, int], int]) -> None:
    files, live_pods, expected = case
    prepare, switch, down = target(files, live_pods).plan(NEW)
    assert pods_in(prepare, GREEN) == expected
    assert pods_in(switch, GREEN) is None
    assert pods_in(down, BLUE) == 0


STABLE, CANARY = "Deployment/shop", "Deployment/shop-canary"
HPA_STABLE = autoscaler("shop", 2, 100)


def canary(replicas: int | None, *autoscalers: bytes) -> Files:
    """Stable serves; the stages are 1, 10 and 50 percent."""
    stable = canary_folder.deployment("shop", "stable", replicas or 0)
    released = [
        each.replace(b"shop:unreleased", OLD.encode())
        for each in (
            stable if replicas is not None else without_replicas(stable),
            canary_folder.deployment("shop-canary", "canary", 0),
        )
    ]
    return canary_folder.folder(
        stable_yaml=released[0], canary_yaml=released[1], hpa_yaml=b"".join(autoscalers)
    )


# The folder, what the cluster says, and the canary's pods in Git at first and after each step.
SHARES: dict[str, tuple[Files, dict[str, int], list[int]]] = {
    "its share, rounded up, at least one": (
        canary(None, HPA_STABLE),
        {STABLE: 25},
        [0, 1, 3, 13, 13, 13, 13, 0],
    ),
    "whatever stale number Git has": (
        canary(3, HPA_STABLE),
        {STABLE: 25},
        [0, 1, 3, 13, 13, 13, 13, 0],
    ),
    "within its own bounds, and then its autoscaler takes over": (
        canary(None, HPA_STABLE, autoscaler("shop-canary", 2, 9)),
        {STABLE: 25},
        [0, 2, 2, 2, 2, 2, 2, 0],
    ),
    "stable's minReplicas where the cluster was not asked": (
        canary(None, autoscaler("shop", 10)),
        {},
        [0, 1, 1, 5, 5, 5, 5, 0],
    ),
    "no autoscaler, no number": (canary(None), {}, [0, 1, 1, 1, 1, 1, 1, 0]),
    "no autoscaler": (canary(6), {STABLE: 25}, [0, 1, 1, 3, 3, 3, 3, 0]),
}


@pytest.mark.parametrize("case", SHARES.values(), ids=SHARES.keys())
def test_the_canary_gets_pods_for_its_share_of_the_live_number(
    case: tuple[Files, dict[str, int], list[int]],
) -> None:
    files, live_pods, expected = case
    bound = target(files, live_pods)
    states = walk(bound.strategy, bound.current, str(NEW))
    (pods,) = (field for field in bound.current if (field.title, field.name) == (CANARY, REPLICAS))
    assert [state[pods] for state in states] == expected
    (stable,) = (
        field for field in bound.current if (field.title, field.name) == (STABLE, REPLICAS)
    )
    assert len({state[stable] for state in states}) == 1


BY_PODS = canary_folder.ROLLOUT.replace(b"  router: {http_route: shop}\n", b"")


@pytest.mark.parametrize(
    ("autoscalers", "got"),
    [
        ((HPA_STABLE,), "HorizontalPodAutoscaler/shop scales Deployment/shop"),
        (
            (autoscaler("shop-canary"),),
            "HorizontalPodAutoscaler/shop-canary scales Deployment/shop-canary",
        ),
    ],
    ids=["stable", "the canary"],
)
def test_shares_by_the_number_of_pods_are_refused_and_the_way_back_is_not(
    autoscalers: tuple[bytes, ...], got: str
) -> None:
    files = {**canary(3, *autoscalers), "rollout.yaml": BY_PODS}
    bound = target(files, {})
    with pytest.raises(RefuseError, match="cannot share the requests out") as caught:
        bound.plan(NEW)
    assert caught.value.facts["got"] == got
    assert "http_route" in str(caught.value.facts["remedy"])
    assert bound.plan(NEW, rollback=True)[0].name == "1/2 back to stable"


HEAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\n"
JSON = """\
{"kind":"List","items":[{"apiVersion":"v1","kind":"Service","metadata":{"name":"shop"},"spec":{}},
{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"shop"},
"spec":{«"replicas":0,»"selector":{}}}]}
"""
# «new» is what is added; «old|new» is what is replaced.
ADDED = {
    "first in spec": f"{HEAD}spec:\n«  replicas: 0\n»  selector: {{}}\n",
    "with its indentation": f"{HEAD}spec:\n«    replicas: 0\n»    selector: {{}}\n",
    "comments": f"{HEAD}spec:  # a\n«  replicas: 0\n»\n  # b\n  selector: {{}}  # c\n",
    "CRLF": f"{HEAD}spec:\n«  replicas: 0\n»  # a\n  selector: {{}}\n".replace("\n", "\r\n"),
    "no line end": f"{HEAD}spec:\n«  replicas: 0\n»  selector: {{}}",
    "flow": f"{HEAD}spec: {{«replicas: 0, »selector: {{}}}}\n",
    "flow with spaces": f"{HEAD}spec: {{ «replicas: 0, »selector: {{}} }}\n",
    "flow over lines": f"{HEAD}spec: {{\n«    replicas: 0,\n»    selector: {{}}\n  }}\n",
    "JSON, in a list": JSON,
    "an anchor of its own": f"{HEAD}spec: &spec\n«  replicas: 0\n»  selector: {{}}\n",
    "a file of two": f"kind: Service\n---\n{HEAD}spec:\n«  replicas: 0\n»  a: 1\n---\n",
    "null": f"{HEAD}spec:\n  replicas: «null|0»\n",
    "null, short": f"{HEAD}spec:\n  replicas: «~|0»  # the autoscaler's\n",
    "nothing is missing": f"{HEAD}spec:\n  replicas: «3|0»\n  selector: {{}}\n",
}


@pytest.mark.parametrize("text", ADDED.values(), ids=ADDED.keys())
def test_the_field_is_added_and_nothing_else_changes(text: str) -> None:
    before, expected = marked(text)
    after = set_field(before, "Deployment/shop", REPLICAS, 0, "a.yaml", add=True)
    assert after == expected
    assert field_at(after, "Deployment/shop", REPLICAS, "a.yaml", 1) == 0
    assert set_field(after, "Deployment/shop", REPLICAS, 0, "a.yaml", add=True) == after


@pytest.mark.parametrize(
    "text",
    [
        "spec: {}\n",
        "spec:\n  replicas:\n  selector: {}\n",
        "spec:\n  ? selector\n  : {}\n",
        "spec:\n  <<: {replicas: 3}\n  selector: {}\n",
        "spec: &a\n  selector: {}\nother: *a\n",
    ],
    ids=["nothing in spec", "no value", "a key of its own line", "merged", "shared"],
)
def test_what_cannot_be_set_later_is_refused_at_once(text: str) -> None:
    with pytest.raises(RefuseError) as caught:
        field_at((HEAD + text).encode(), "Deployment/shop", REPLICAS, "a.yaml", 1)
    assert str(caught.value.facts["where"]).startswith("a.yaml")


async def _grown(
    origin: Origin, tmp_path: Path, files: dict[str, bytes], workload: str, pods: int
) -> AutoscaledEnvironment:
    """An environment that was released once, and whose autoscaler has made more pods since."""
    made = AutoscaledEnvironment(origin, Origin(tmp_path / "app"), files)
    await made.release(1)
    await made.scale(workload, pods)
    return made


@pytest.fixture
async def shop(origin: Origin, tmp_path: Path) -> AutoscaledEnvironment:
    """Blue/green, released once and grown to seven pods since; Git says no number of blue's."""
    files = colours.folder(
        blue_yaml=without_replicas(colours.deployment("blue", 0)), hpa_yaml=HPA_BLUE + HPA_GREEN
    )
    return await _grown(origin, tmp_path, files, "shop-blue", 7)


async def test_the_switch_leads_to_as_many_pods_and_git_gets_a_zero(
    shop: AutoscaledEnvironment,
) -> None:
    before = shop.file("blue.yaml")
    await shop.take(2, "1/3 prepare green")
    assert shop.pods() == {"shop-blue": 7, "shop-green": 7}
    await shop.scale("shop-blue", 8)
    await shop.take(2, "2/3 switch to green")
    assert shop.pods() == {"shop-blue": 8, "shop-green": 7}
    await shop.scale("shop-green", 9)
    await shop.take(2, "3/3 scale down blue")
    assert shop.pods() == {"shop-blue": 0, "shop-green": 9}
    assert shop.file("blue.yaml") == before.replace(b"spec:\n", b"spec:\n  replicas: 0\n", 1)


async def test_the_same_release_again_makes_no_commit(shop: AutoscaledEnvironment) -> None:
    await shop.release(2)
    await shop.scale("shop-green", 4)
    tip = shop.origin.tip()
    await shop.release(2)
    assert shop.origin.tip() == tip
    assert shop.pods() == {"shop-blue": 0, "shop-green": 4}


@pytest.mark.parametrize("killed_after", ["1/3 prepare green", "2/3 switch to green"])
@pytest.mark.parametrize("now", [3, 9])
async def test_a_run_that_was_killed_goes_on_whatever_the_number_is_now(
    shop: AutoscaledEnvironment, killed_after: str, now: int
) -> None:
    for name in ("1/3 prepare green", "2/3 switch to green"):
        await shop.take(2, name)
        if name == killed_after:
            break
    await shop.scale("shop-blue", now)
    await shop.scale("shop-green", now)
    left = [step.name for step in (await shop.target()).plan(NEW) if step.edits]
    assert killed_after not in left
    await shop.release(2)
    assert shop.pods() == {"shop-blue": 0, "shop-green": now}


async def test_the_switch_halts_where_the_autoscaler_has_left_too_few(
    shop: AutoscaledEnvironment,
) -> None:
    await shop.take(2, "1/3 prepare green")
    await shop.scale("shop-green", 2)
    tip = shop.origin.tip()
    with pytest.raises(HaltError, match="too few pods") as caught:
        await shop.take(2, "2/3 switch to green")
    assert caught.value.facts["expected"] == "7 pods, as it was brought up with"
    assert str(caught.value.facts["got"]).startswith("2: ")
    assert shop.origin.tip() == tip
    # The load has gone too, or there are enough again.
    await shop.scale("shop-blue", 2)
    await shop.release(2)
    assert shop.pods() == {"shop-blue": 0, "shop-green": 2}


async def test_a_rollback_brings_up_as_many_as_serve_now(shop: AutoscaledEnvironment) -> None:
    await shop.release(2)
    await shop.scale("shop-green", 9)
    rollback = await shop.roll_back()
    assert shop.pods() == {"shop-blue": 9, "shop-green": 9}
    await shop.scale("shop-green", 8)
    await shop.release(1, rollback.target.release.cause)
    assert shop.pods() == {"shop-blue": 9, "shop-green": 0}


async def test_a_rollback_right_after_the_switch_is_one_commit(
    shop: AutoscaledEnvironment,
) -> None:
    await shop.take(2, "1/3 prepare green")
    await shop.take(2, "2/3 switch to green")
    await shop.scale("shop-blue", 5)
    rollback = await shop.roll_back()
    assert shop.origin.changed(f"{rollback.commit.commit}^", rollback.commit.commit) == [
        "M\tprod/shop/RELEASE",
        "A\tprod/shop/holds.yaml",
        "M\tprod/shop/service.yaml",
    ]
    await shop.release(1, rollback.target.release.cause)
    assert shop.pods() == {"shop-blue": 5, "shop-green": 0}


async def test_pods_that_another_release_left_go_before_there_are_as_many_as_serve(
    shop: AutoscaledEnvironment,
) -> None:
    await shop.take(2, "1/3 prepare green")
    await shop.scale("shop-green", 2)
    names = [step.name for step in (await shop.target()).plan(image(3))]
    assert names[:2] == ["0/3 scale down green", "1/3 prepare green"]
    await shop.take(3, names[0])
    assert shop.pods() == {"shop-blue": 7, "shop-green": 0}
    await shop.take(3, names[1])
    assert shop.pods() == {"shop-blue": 7, "shop-green": 7}


@pytest.fixture
async def scaled_canary(origin: Origin, tmp_path: Path) -> AutoscaledEnvironment:
    """A canary, released once; stable has grown to 25 pods since, and Git says no number of it."""
    files = canary_folder.folder(
        stable_yaml=without_replicas(canary_folder.deployment("shop", "stable", 0)),
        hpa_yaml=HPA_STABLE,
    )
    return await _grown(origin, tmp_path, files, "shop", 25)


async def test_a_canary_follows_the_live_number_stage_by_stage(
    scaled_canary: AutoscaledEnvironment,
) -> None:
    shop, before = scaled_canary, scaled_canary.file("stable.yaml")
    await shop.take(2, "1/7 prepare canary")
    await shop.take(2, "2/7 canary 1%")
    assert shop.pods() == {"shop": 25, "shop-canary": 3}
    await shop.scale("shop", 40)
    await shop.take(2, "3/7 canary 10%")
    assert shop.pods() == {"shop": 40, "shop-canary": 20}
    await shop.scale("shop", 4)
    await shop.take(2, "4/7 canary 50%")
    assert shop.pods() == {"shop": 4, "shop-canary": 20}
    await shop.release(2)
    assert shop.pods() == {"shop": 4, "shop-canary": 0}
    assert shop.file("stable.yaml") == before.replace(
        str(image(1).digest).encode(), str(image(2).digest).encode()
    )
    tip = shop.origin.tip()
    await shop.release(2)
    assert shop.origin.tip() == tip


async def test_a_canarys_own_autoscaler_takes_over(origin: Origin, tmp_path: Path) -> None:
    files = canary_folder.folder(
        stable_yaml=without_replicas(canary_folder.deployment("shop", "stable", 0)),
        canary_yaml=without_replicas(canary_folder.deployment("shop-canary", "canary", 0)),
        hpa_yaml=HPA_STABLE + autoscaler("shop-canary", 2, 50),
    )
    shop = await _grown(origin, tmp_path, files, "shop", 30)
    await shop.take(2, "1/7 prepare canary")
    assert shop.pods() == {"shop": 30, "shop-canary": 2}
    await shop.take(2, "2/7 canary 1%")
    await shop.scale("shop-canary", 6)
    await shop.take(2, "3/7 canary 10%")
    assert shop.pods() == {"shop": 30, "shop-canary": 6}
    # A newer release starts with as many pods as its first stage needs.
    names = [step.name for step in (await shop.target()).plan(image(3))]
    assert names[:3] == ["0/7 all to stable", "0/7 scale down canary", "1/7 prepare canary"]
    await shop.release(3)
    assert shop.pods() == {"shop": 30, "shop-canary": 0}
