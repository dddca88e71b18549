"""What releases make of overlays, by the real Kustomize: each step, or the refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from shipway.errors import RefuseError
from shipway.kubernetes.objects import read_objects
from shipway.rendering import Renderer
from shipway.rollout.fields import changed_files
from shipway.rollout.render import Manifests
from shipway.rollout.rendered_steps import check_rendered_steps
from shipway.rollout.target import target_of
from tests.support import colours
from tests.support.overlays import (
    BASE,
    BLUE_GREEN,
    BLUE_GREEN_BASE,
    CANARY,
    CANARY_BASE,
    folder_of,
)
from tests.support.project import bring_up
from tests.support.rolling_environment import image

Base = Mapping[str, bytes]
KUSTOMIZATION = BLUE_GREEN["kustomization.yaml"]
CHART = {
    "charts/shop/Chart.yaml": b"apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "charts/shop/templates/blue.yaml": BLUE_GREEN_BASE[f"{BASE}/blue.yaml"],
    "charts/shop/templates/green.yaml": BLUE_GREEN_BASE[f"{BASE}/green.yaml"],
    "charts/shop/templates/service.yaml": BLUE_GREEN_BASE[f"{BASE}/service.yaml"],
}
OF_CHART = """\
helmGlobals: {chartHome: ../../charts}
helmCharts: [{name: shop, releaseName: shop, valuesFile: values.yaml}]
"""
AUTOSCALER = b"""\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop-green}
  maxReplicas: 9
"""
JOB = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  jobTemplate:
    spec: {template: {spec: {containers: [{name: job, image: shop-green}]}}}
"""
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: any}\n"
GENERATOR = """\
configMapGenerator: [{name: colours, literals: [active=blue]}]
replacements:
- source: {kind: ConfigMap, name: colours, fieldPath: data.active}
  targets:
  - select: {kind: Service, name: shop}
    fieldPaths: ['spec.selector.[example.org/colour]']
"""


@pytest.fixture
def kustomize(cluster_is_up: None, sandbox: dict[str, str]) -> Renderer:
    """The tool, in the cluster's binary."""
    return Renderer(kustomize=sandbox["SHIPWAY_KUSTOMIZE"])


async def release(
    kustomize: Renderer, base: Base, files: Mapping[str, str], *numbers: int
) -> list[str]:
    """Prove and commit releases, one after the other; return the steps of the last one."""
    folder, names = folder_of(files), list[str]()
    for number in numbers:
        here = {f"{folder.path}/{name}": content for name, content in folder.files.items()}

        async def render(changes: Base, here: Base = here) -> Manifests:
            text = await kustomize.build({**base, **here, **changes}, "prod/shop")
            objects = read_objects({"rendered.yaml": text}, "prod/shop")
            return Manifests(objects=tuple(objects), fingerprint="")

        plan = target_of(folder).plan(image(number))
        await check_rendered_steps(render, folder, plan, "abc")
        for step in plan:
            folder = folder.with_changes(changed_files(folder, step.edits, "abc"))
        names = [step.name for step in plan]
    return names


async def test_each_step_of_blue_green_changes_what_it_means(kustomize: Renderer) -> None:
    """One number of pods stands in a patch alone; of two places, Kustomize takes `replicas:`."""
    blue, green = (
        BLUE_GREEN[f"{colour}.yaml"].replace("spec:\n", f"spec:\n  replicas: {pods}\n", 1)
        for colour, pods in (("blue", 2), ("green", 9))
    )
    text = KUSTOMIZATION.replace("- {name: shop-blue, count: 2}\n", "")
    files = {**BLUE_GREEN, "blue.yaml": blue, "green.yaml": green, "kustomization.yaml": text}
    steps = await release(kustomize, BLUE_GREEN_BASE, files, 1, 2)
    assert steps == ["1/3 prepare green", "2/3 switch to green", "3/3 scale down blue"]


async def test_each_step_of_a_canary_changes_what_it_means(kustomize: Renderer) -> None:
    rollout = CANARY["rollout.yaml"].replace("  - {weight: 1, pause_seconds: 30}\n", "")
    files = {**CANARY, "rollout.yaml": rollout.replace("  - {weight: 10}\n", "")}
    steps = await release(kustomize, CANARY_BASE, files, 1, 2)
    assert steps == [
        *("1/5 prepare canary", "2/5 canary 50%"),
        *("3/5 promote", "4/5 all to stable", "5/5 scale down canary"),
    ]


@pytest.fixture
def helm(sandbox: dict[str, str]) -> str:
    bring_up("Helm", "--cluster", "none", "--helm")
    return sandbox["SHIPWAY_HELM"]


async def test_a_chart_that_kustomize_takes_is_patched_as_a_base_is(
    kustomize: Renderer, helm: str
) -> None:
    options = f"--enable-helm --helm-command {helm}"
    with_helm = Renderer(kustomize=f"{kustomize.kustomize} {options}")
    files = {
        **BLUE_GREEN,
        "values.yaml": "{}\n",
        "kustomization.yaml": KUSTOMIZATION.replace("resources: [../../base/shop]\n", OF_CHART),
    }
    assert len(await release(with_helm, CHART, files, 1, 2)) == 3


@dataclass(frozen=True)
class Fault:
    """Something in an overlay by which a release would not change what it means to.

    Attributes:
        change: What stands in the kustomization, and what stands there instead.
        what: The refusal.
        got: What it says of the fault.
        base: Further files of the base.
        files: Further files of the folder.
    """

    change: tuple[str, str]
    what: str
    got: str
    base: Base = field(default_factory=dict[str, bytes])
    files: Mapping[str, str] = field(default_factory=dict[str, str])


NOT_RENDERED = "Kustomize makes no Deployment/shop-blue of the folder."
ANOTHER_VALUE = "Kustomize gives {} another value than the folder has."
COUNTED = KUSTOMIZATION[KUSTOMIZATION.index("replicas:") : KUSTOMIZATION.index("patches:")]
FAULTS = {
    "a suffix renames the objects": Fault(
        ("namespace: shop", "namespace: shop\nnameSuffix: -eu"),
        NOT_RENDERED,
        "Deployment/shop-blue-eu in namespace shop",
    ),
    "another namespace": Fault(
        ("namespace: shop", "namespace: web"), NOT_RENDERED, "Deployment/shop-blue in namespace web"
    ),
    "the number of pods stands in the base": Fault(
        (COUNTED, ""),
        ANOTHER_VALUE.format("Deployment/shop-blue"),
        "3",
        base={f"{BASE}/blue.yaml": colours.deployment("blue", 3, "shop-blue")},
    ),
    "a patch of two objects has the number of pods": Fault(
        (COUNTED + "patches:\n", "patches:\n- {path: pods.yaml, target: {kind: Deployment}}\n"),
        ANOTHER_VALUE.format("Deployment/shop-blue"),
        "4",
        files={"pods.yaml": f"{DEPLOYMENT}spec: {{replicas: 4}}\n"},
    ),
    "a later patch has the same field": Fault(
        (
            "- path: switch.yaml",
            "- path: switch.yaml\n- {path: more.yaml, target: {kind: Service}}",
        ),
        ANOTHER_VALUE.format("Service/shop"),
        "green",
        files={"more.yaml": BLUE_GREEN["switch.yaml"].replace("colour: blue", "colour: green")},
    ),
    "the base has an autoscaler": Fault(
        ("[../../base/shop]", "[../../base/shop, ../../base/scaler]"),
        "HorizontalPodAutoscaler/shop scales Deployment/shop-green, "
        "and the folder does not say so.",
        "HorizontalPodAutoscaler/shop, rendered from elsewhere",
        base={
            "base/scaler/kustomization.yaml": b"resources: [scaler.yaml]\n",
            "base/scaler/scaler.yaml": AUTOSCALER,
        },
    ),
    "a job has the same image": Fault(
        ("[../../base/shop]", "[../../base/shop, job.yaml]"),
        "The step '1/1 first' would not change what Kustomize makes as it means to.",
        "CronJob/nightly: spec.jobTemplate.spec.template.spec.containers.0.image is",
        files={"job.yaml": JOB},
    ),
    "a generator makes the switch": Fault(
        ("images:\n", f"{GENERATOR}images:\n"),
        "The step '2/3 switch to green' would not change what Kustomize makes as it means to.",
        'Service/shop: spec.selector.example.org/colour is "blue", not "green"',
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_what_kustomize_makes_in_another_way_than_it_is_meant_is_refused(
    kustomize: Renderer, fault: Fault
) -> None:
    old, new = fault.change
    assert old in KUSTOMIZATION
    text = KUSTOMIZATION.replace(old, new)
    files = {**BLUE_GREEN, **fault.files, "kustomization.yaml": text}
    with pytest.raises(RefuseError) as caught:
        await release(kustomize, {**BLUE_GREEN_BASE, **fault.base}, files, 1, 2)
    assert caught.value.what == fault.what
    assert fault.got in str(caught.value.facts["got"])
