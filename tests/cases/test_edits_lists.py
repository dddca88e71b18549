"""An image in a list is set like any other.

`kubectl get -o yaml` and generators such as jsonnet write lists; what an item is, a typed list says
for all of them. Each input is a shape of a list in an ops folder.
"""

from __future__ import annotations

import pytest

from bench.gitops.shapes import DIGEST, IMAGE, PINNED, TAG
from shipway.errors import RefuseError
from shipway.kubernetes.objects import images_of, read_objects
from shipway.manifests import Kind, field_at, image_at, set_field, set_image
from shipway.rollout.fields import changed_files
from shipway.rollout.target import target_of
from shipway.strategies.step import Edit
from tests.cases.edits import folder, marked

FILE = "prod/shop/all.yaml"


def item(name: str, image: str, *, bare: bool = False, indent: str = "") -> str:
    kind = "" if bare else "apiVersion: apps/v1\n  kind: Deployment\n  "
    text = (
        f"- {kind}metadata: {{name: {name}}}\n  spec:\n    replicas: 1\n    template:\n"
        f"      spec:\n        containers:\n        - name: app\n          image: {image}\n"
    )
    return "".join(f"{indent}{line}\n" for line in text.splitlines())


WEB, WORKER = "«a:1|" + PINNED + "»", "a:2"
LISTS = {
    "a List": "apiVersion: v1\nkind: List\nitems:\n" + item("web", WEB) + item("worker", WORKER),
    "as kubectl get prints it": "apiVersion: v1\nitems:\n"
    + item("web", WEB)
    + item("worker", WORKER)
    + 'kind: List\nmetadata: {resourceVersion: ""}\n',
    "a List in a List": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n"
    "  items:\n" + item("web", WEB, indent="  ") + item("worker", WORKER),
    "a typed list": "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n"
    + item("web", WEB)
    + item("worker", WORKER),
    "a typed list of bare items": "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n"
    + item("web", WEB, bare=True)
    + item("worker", WORKER, bare=True),
    "beside another document": "kind: ConfigMap\napiVersion: v1\nmetadata: {name: web}\n---\n"
    "apiVersion: v1\nkind: List\nitems:\n" + item("web", WEB) + item("worker", WORKER),
    "two Lists": "apiVersion: v1\nkind: List\nitems:\n"
    + item("web", WEB)
    + "---\napiVersion: v1\nkind: List\nitems:\n"
    + item("worker", WORKER),
    "in braces": '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "apps/v1", "kind": '
    '"Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 1, "template": {"spec": '
    '{"containers": [{"name": "app", "image": "«a:1|' + PINNED + '»"}]}}}}]}\n',
}
ROLLOUT = (
    "strategy: rolling\nnamespace: shop\nimages:\n"
    "- {file: all.yaml, object: Deployment/web, container: app}\n"
)


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS.keys())
def test_a_release_sets_it_and_waits_for_its_workload(text: str) -> None:
    before, after = marked(text)
    wanted = folder(ROLLOUT, before.decode())
    target = target_of(wanted)
    assert [edit.value for edit in target.settings] == ["a:1"]
    assert [workload.title for workload in target.workloads] == ["Deployment/web"]
    edits = [Edit(field=field, value=PINNED) for field in target.current]
    assert changed_files(wanted, edits, TAG) == {"prod/shop/all.yaml": after}
    found = {each.title: images_of(each) for each in read_objects({"a.yaml": after}, "prod/shop")}
    assert found["Deployment/web"] == {"app": PINNED}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS.keys())
def test_a_field_of_an_object_is_set_in_it_alone(text: str) -> None:
    before, _ = marked(text)
    assert field_at(before, "Deployment/web", "/spec/replicas", FILE) == 1
    after = set_field(before, "Deployment/web", "/spec/replicas", 3, FILE)
    assert field_at(after, "Deployment/web", "/spec/replicas", FILE) == 3
    assert len(after) == len(before)
    assert sum(a != b for a, b in zip(after, before, strict=True)) == 1


HELM = "kind: List\nitems:\n" + "".join(
    f"- kind: {kind}\n  metadata: {{name: shop}}\n  spec: {{{spec}}}\n"
    for kind, spec in (
        ("HelmRepository", "url: https://example.org"),
        ("HelmRelease", f"values: {{image: {{repository: shop, tag: «a1|{TAG}@{DIGEST}»}}}}"),
    )
)


@pytest.mark.parametrize("title", ["", "HelmRelease", "HelmRelease/shop"])
def test_values_in_a_list_are_found_by_their_pointer(title: str) -> None:
    before, after = marked(HELM.replace("repository: shop", f"repository: {IMAGE.repository}"))
    assert set_image(before, "helm", "/spec/values/image", IMAGE, FILE, title) == after


def test_a_pointer_through_the_list_leads_there_too() -> None:
    before, after = marked(HELM.replace("repository: shop", f"repository: {IMAGE.repository}"))
    assert set_image(before, "helm", "/items/1/spec/values/image", IMAGE, FILE) == after


@pytest.mark.parametrize(
    ("text", "kind", "name", "title", "words"),
    [
        (LISTS["a List"], "container", "app", "", "`object: Deployment/web` or `object: "),
        (LISTS["a List in a List"], "container", "app", "", "`object: Deployment/web` or "),
        (
            LISTS["a typed list of bare items"],
            "container",
            "app",
            "",
            "`object: Deployment/web` or ",
        ),
        (
            LISTS["two Lists"],
            "container",
            "app",
            "Deployment/other",
            "Deployment/web, Deployment/w",
        ),
        (HELM.replace("Repository", "Release"), "helm", "/spec", "", "There are several|several"),
        (HELM, "helm", "/spec/nothing", "", "HelmRepository/shop, HelmRelease/shop"),
        (
            "apiVersion: v1\nkind: List\nitems: null\n",
            "container",
            "app",
            "",
            "No single container",
        ),
        (
            "apiVersion: v1\nkind: List\nitems: []\n",
            "container",
            "app",
            "Pod/a",
            "There is no Pod/a",
        ),
    ],
    ids=[
        "two in a List",
        "two in Lists",
        "two bare ones",
        "no such object",
        "values in two",
        "values in none",
        "null",
        "empty",
    ],
)
def test_what_is_not_there_once_is_refused(
    text: str, kind: Kind, name: str, title: str, words: str
) -> None:
    with pytest.raises(RefuseError, match=words):
        image_at(marked(text)[0], kind, name, FILE, title)


def test_a_custom_kind_that_is_called_a_list_is_an_object() -> None:
    text = (
        "apiVersion: e.org/v1\nkind: AllowList\nmetadata: {name: web}\nspec: {image: a:1}\n"
        "items: [10.0.0.0/8]\n"
    )
    assert image_at(text.encode(), "helm", "/spec/image", FILE, "AllowList/web") == "a:1"
