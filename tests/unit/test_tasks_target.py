from __future__ import annotations

import pytest

from blocks.errors import Refuse
from blocks.kube.objects import KubeObject
from blocks.ops_repository import Wanted
from flows.strategies import SetImage
from flows.tasks.target import Target, containers_of, target_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"
UNTOUCHED = "everything: nothing was built, pushed or committed"

ROLLOUT = b"""\
strategy: rolling
namespace: shop
images:
- {file: web.yaml, container: web}
"""


def workload(kind: str, name: str, *containers: str) -> bytes:
    pods = ", ".join(f"{{name: {one}, image: '{one}:1'}}" for one in containers)
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
        f"spec: {{template: {{spec: {{containers: [{pods}]}}}}}}\n"
    ).encode()


def service(name: str) -> bytes:
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{}}\n".encode()


def target(**files: bytes) -> Target:
    named = {name.replace("_", "."): content for name, content in files.items()}
    return target_of(Wanted(commit=COMMIT, folder="prod/shop", files=named), "shop", "prod")


def refusal(**files: bytes) -> Refuse:
    with pytest.raises(Refuse) as caught:
        target(**files)
    return caught.value


def test_a_target_holds_the_images_and_the_workloads_that_run_them() -> None:
    web = workload("Deployment", "web", "web", "proxy")
    found = target(
        rollout_yaml=ROLLOUT,
        web_yaml=service("web") + b"---\n" + web,
        other_yaml=workload("Deployment", "other", "web"),
    )
    assert (found.app, found.environment, found.commit) == ("shop", "prod", COMMIT)
    assert found.folder == "prod/shop"
    assert found.images == (SetImage(file="web.yaml", container="web", image="web:1"),)
    assert [one.title for one in found.workloads] == ["Deployment/web"]
    assert found.workloads[0].file == "prod/shop/web.yaml"


def test_several_images_may_stand_in_several_files() -> None:
    found = target(
        rollout_yaml=ROLLOUT + b"- {file: job.yml, container: job}\n",
        web_yaml=workload("Deployment", "web", "web"),
        job_yml=workload("StatefulSet", "job", "job"),
    )
    assert [(one.file, one.image) for one in found.images] == [
        ("web.yaml", "web:1"),
        ("job.yml", "job:1"),
    ]
    assert {one.title for one in found.workloads} == {"Deployment/web", "StatefulSet/job"}


@pytest.mark.parametrize(
    ("line", "cluster"), [(b"", "prod"), (b"cluster: eu-1\n", "eu-1")], ids=["default", "set"]
)
def test_the_cluster_is_the_rollouts_or_named_like_the_environment(
    line: bytes, cluster: str
) -> None:
    files = {"web_yaml": workload("Deployment", "web", "web")}
    assert target(rollout_yaml=line + ROLLOUT, **files).cluster == cluster


@pytest.mark.parametrize(
    ("files", "got"),
    [({}, "no such folder"), ({"b_yaml": b"", "a_yaml": b""}, "a.yaml, b.yaml")],
)
def test_an_environment_without_a_rollout_does_not_know_the_app(
    files: dict[str, bytes], got: str
) -> None:
    assert str(refusal(**files)) == (
        "'prod' does not know 'shop'.\n"
        "  where:     ops repository at 0123456\n"
        "  expected:  prod/shop/rollout.yaml beside the app's manifests\n"
        f"  got:       {got}\n"
        f"  untouched: {UNTOUCHED}\n"
        "  remedy:    add the folder; the README shows the shortest"
    )


@pytest.mark.parametrize(
    ("files", "got"),
    [
        ({}, "no such file"),
        ({"web_yaml": b""}, "0 of them"),
        ({"web_yaml": workload("Deployment", "web", "other")}, "0 of them"),
        ({"web_yaml": workload("Deployment", "web", "web", "web")}, "2 of them"),
    ],
)
def test_an_image_that_is_not_there_is_refused(files: dict[str, bytes], got: str) -> None:
    assert str(refusal(rollout_yaml=ROLLOUT, **files)) == (
        "rollout.yaml names an image that is not there: 'web'.\n"
        "  where:     prod/shop/web.yaml\n"
        "  expected:  one container 'web' with an image\n"
        f"  got:       {got}\n"
        f"  untouched: {UNTOUCHED}"
    )


def test_a_wrong_rollout_is_refused_by_its_place_in_the_repository() -> None:
    error = refusal(rollout_yaml=b"strategy: rolling\nnamspace: x\n" + ROLLOUT[18:])
    assert error.facts["where"] == "prod/shop/rollout.yaml:2"


def test_a_rollout_that_is_no_utf_8_is_refused_like_any_other_wrong_text() -> None:
    error = refusal(rollout_yaml=ROLLOUT.replace(b"rolling", b"r\xff"))
    assert error.facts["where"] == "prod/shop/rollout.yaml:1"
    assert error.facts["got"] == repr("r\ufffd")


def test_a_manifest_that_is_no_yaml_is_refused_by_its_place_in_the_repository() -> None:
    error = refusal(rollout_yaml=ROLLOUT, web_yaml=b"a: [\n")
    assert error.what == "Not valid YAML."
    assert error.facts["where"] == "prod/shop/web.yaml:2"


def made(spec: object) -> KubeObject:
    body = {"spec": spec}
    return KubeObject(file="f", api_version="v1", kind="K", name="n", namespace=None, body=body)


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        (None, set()),
        ("text", set()),
        ({}, set()),
        ({"template": None}, set()),
        ({"template": "text"}, set()),
        ({"template": {}}, set()),
        ({"template": {"spec": None}}, set()),
        ({"template": {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}}, {"a", "b"}),
        ({"template": {"spec": {"initContainers": [{"name": "i"}]}}}, {"i"}),
    ],
)
def test_containers_are_those_of_the_pod_template(spec: object, names: set[str]) -> None:
    assert containers_of(made(spec)) == names


def test_a_list_of_containers_that_is_null_is_empty() -> None:
    pod = {"initContainers": None, "containers": [{"name": "a"}]}
    assert containers_of(made({"template": {"spec": pod}})) == {"a"}
