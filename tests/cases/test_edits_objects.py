"""An edit reaches any object of a file, and only the one that is meant.

Where several fit, the error says how rollout.yaml names one.
"""

from __future__ import annotations

import pytest

from bench.gitops.shapes import DIGEST, IMAGE, PINNED, TAG
from shipway.config.rollout import read_rollout
from shipway.errors import RefuseError
from shipway.manifests import Kind, field_at, image_at, set_field, set_image
from shipway.rollout.fields import changed_files
from shipway.rollout.target import target_of
from shipway.strategies.step import Edit
from tests.cases.edits import folder

FILE = "prod/shop/all.yaml"


def workload(kind: str, name: str, image: str, more: str = "") -> str:
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata:\n  name: {name}\n{more}spec:\n"
        "  replicas: 1\n  selector: {matchLabels: {app: a}}\n"
        "  template:\n    metadata: {labels: {app: a}}\n"
        f"    spec:\n      containers:\n      - name: app\n        image: {image}\n"
    )


NAMESPACE = "  namespace: x\n"
TWO = f"{workload('Deployment', 'web', 'a:1')}---\n{workload('Deployment', 'worker', 'a:2')}"
SAME_NAME = f"{workload('Deployment', 'web', 'a:1')}---\n{workload('CronJob', 'web', 'a:2')}"
LIST = "kind: List\nitems:\n" + "".join(
    f"- kind: Pod\n  metadata: {{name: {name}}}\n"
    f"  spec: {{containers: [{{name: app, image: {image}}}]}}\n"
    for name, image in (("web", "a:1"), ("worker", "a:2"))
)
# Renovate and Flux's image automation write into files such as these.
HELM_RELEASE = """\
kind: HelmRepository
spec: {url: https://example.org}
---
kind: HelmRelease
spec: {values: {image: {repository: shop, tag: a1}}}
"""
APPLICATIONS = "---\n".join(
    f"kind: Application\nmetadata: {{name: {name}}}\nspec:\n  source:\n    helm:\n"
    f"      valuesObject:\n        image: {{repository: shop, tag: {tag}}}\n"
    for name, tag in (("shop", "a1"), ("shop-jobs", "a2"))
)
VALUES_OBJECT = "/spec/source/helm/valuesObject/image"


@pytest.mark.parametrize(
    ("text", "kind", "name", "title", "old"),
    [
        pytest.param(TWO, "container", "app", "Deployment/web", "a:1", id="the first of two"),
        pytest.param(TWO, "container", "app", "Deployment/worker", "a:2", id="the second of two"),
        pytest.param(SAME_NAME, "container", "app", "CronJob/web", "a:2", id="one name, two kinds"),
        pytest.param(SAME_NAME, "container", "app", "CronJob", "a:2", id="by its kind alone"),
        pytest.param(LIST, "container", "app", "Pod/worker", "a:2", id="in a List"),
        pytest.param(APPLICATIONS, "helm", VALUES_OBJECT, "Application/shop", "a1", id="Argo CD"),
        pytest.param(
            APPLICATIONS, "helm", VALUES_OBJECT, "Application/shop-jobs", "a2", id="Argo CD, second"
        ),
        pytest.param(
            HELM_RELEASE, "helm", "/spec/values/image", "HelmRelease", "a1", id="Flux, no name"
        ),
        pytest.param(HELM_RELEASE, "helm", "/spec/values/image", "", "a1", id="Flux, the only one"),
        pytest.param(
            "# values\n---\n{}\n---\nimage: a1\n", "helm", "/image", "", "a1", id="third document"
        ),
    ],
)
def test_it_is_set_in_that_object(text: str, kind: Kind, name: str, title: str, old: str) -> None:
    assert image_at(text.encode(), kind, name, FILE, title).endswith(old)
    after = set_image(text.encode(), kind, name, IMAGE, FILE, title).decode()
    if "shop" in text:
        expected = text.replace(f"tag: {old}", f"tag: {TAG}@{DIGEST}")
        expected = expected.replace(
            "repository: shop, tag: 8", f"repository: {IMAGE.repository}, tag: 8"
        )
    else:
        expected = text.replace(f"image: {old}", f"image: {PINNED}")
    assert after == expected
    assert set_image(after.encode(), kind, name, IMAGE, FILE, title).decode() == after


@pytest.mark.parametrize(
    ("text", "kind", "name", "titles"),
    [
        pytest.param(TWO, "container", "app", ["Deployment/web", "Deployment/worker"], id="two"),
        pytest.param(SAME_NAME, "container", "app", ["Deployment/web", "CronJob/web"], id="kinds"),
        pytest.param(LIST, "container", "app", ["Pod/web", "Pod/worker"], id="in a List"),
        pytest.param(
            APPLICATIONS,
            "helm",
            VALUES_OBJECT,
            ["Application/shop", "Application/shop-jobs"],
            id="values",
        ),
    ],
)
def test_where_several_fit_the_error_names_the_way_out(
    text: str, kind: Kind, name: str, titles: list[str]
) -> None:
    with pytest.raises(RefuseError) as caught:
        set_image(text.encode(), kind, name, IMAGE, FILE)
    remedy = caught.value.facts["remedy"]
    assert remedy is not None
    assert all(f"`object: {title}`" in remedy for title in titles)
    for title in titles:
        assert set_image(text.encode(), kind, name, IMAGE, FILE, title) != text.encode()


@pytest.mark.parametrize(
    ("text", "title", "words"),
    [
        pytest.param(TWO, "Deployment/other", "There is no Deployment/other", id="no such object"),
        pytest.param(TWO, "Deployment", "There are several Deployment", id="kind of two"),
        pytest.param(
            f"{workload('Job', 'a', 'a:1', NAMESPACE)}---\n{workload('Job', 'a', 'a:1')}",
            "Job/a",
            "There are several Job/a",
            id="namespaces",
        ),
        pytest.param("kind: Pod\nmetadata: {name: a}\n", "Pod/a", "No single container", id="none"),
        pytest.param("just text\n", "Pod/a", "There is no Pod/a", id="no object at all"),
    ],
)
def test_another_object_is_refused(text: str, title: str, words: str) -> None:
    with pytest.raises(RefuseError, match=words):
        set_image(
            text.encode(),
            "container",
            "app",
            IMAGE,
            FILE,
            title,
        )


@pytest.mark.parametrize("text", [TWO.replace("worker", "web"), LIST.replace("worker", "web")])
def test_a_field_of_two_objects_with_one_title_is_set_in_neither(text: str) -> None:
    title = "Pod/web" if text.startswith("kind: List") else "Deployment/web"
    with pytest.raises(RefuseError, match=f"There are several {title}"):
        set_field(text.encode(), title, "/kind", "x", FILE)


def test_a_field_of_an_object_in_a_list_is_found() -> None:
    assert field_at(LIST.encode(), "Pod/worker", "/spec/containers/0/image", FILE) == "a:2"


ROLLOUT = "strategy: rolling\nnamespace: shop\nimages:\n"
BLUE_GREEN = (
    "strategy: blue-green\nnamespace: shop\nblue_green: {blue: blue, green: green, service: shop}\n"
    "images:\n- {file: all.yaml, object: Deployment/blue, container: app}\n"
    "- {file: all.yaml, object: Deployment/green, container: app}\n"
)
OLD = PINNED.replace("0123", "aaaa")
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {selector: {app: blue}}\n"


def test_a_release_sets_the_object_that_rollout_yaml_names_and_waits_for_no_other() -> None:
    wanted = folder(
        ROLLOUT + "- {file: all.yaml, object: Deployment/worker, container: app}\n", TWO
    )
    target = target_of(wanted)
    assert [edit.value for edit in target.settings] == ["a:2"]
    assert [workload.title for workload in target.workloads] == ["Deployment/worker"]
    edits = [Edit(field=field, value=PINNED) for field in target.current]
    changed = changed_files(wanted, edits, TAG)
    assert changed == {"prod/shop/all.yaml": TWO.replace("a:2", PINNED).encode()}


def test_two_colours_may_stand_in_one_file() -> None:
    text = "---\n".join(
        [workload("Deployment", c, OLD).replace("app: a", f"app: {c}") for c in ("blue", "green")]
    )
    target = target_of(folder(BLUE_GREEN, f"{text}---\n{SERVICE}"))
    first = target.plan(IMAGE.pinned())[0]
    images = [edit.field.title for edit in first.edits if edit.field.kind == "container"]
    assert images == ["Deployment/green"]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("{file: a.yaml, object: web, container: app}", "object"),
        ("{file: a.yaml, object: Deployment/web/x, container: app}", "object"),
        ("{file: a.yaml, object: '', container: app}", "object"),
        ("{file: kustomization.yaml, object: A/b, kustomize: app}", "object"),
        ("{file: a.yaml, object: Deployment/web, container: app}", None),
        ("{file: a.yaml, object: HelmRelease/shop, helm: /spec/values/image}", None),
    ],
)
def test_rollout_yaml_says_the_object_by_kind_and_name(image: str, words: str | None) -> None:
    text = f"{ROLLOUT}- {image}\nagent: external\n"
    if words is None:
        read_rollout(text)
        return
    with pytest.raises(RefuseError, match=words):
        read_rollout(text)
