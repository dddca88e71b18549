from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import FieldRef
from tests.support.app_environments import SHOP

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
    return target_of(OpsFolder(app_environment=SHOP, commit=COMMIT, files=named))


def refusal(**files: bytes) -> RefuseError:
    with pytest.raises(RefuseError) as caught:
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
    assert found.current == {FieldRef(file="web.yaml", name="web"): "web:1"}
    assert [one.title for one in found.workloads] == ["Deployment/web"]
    assert found.workloads[0].file == "prod/shop/web.yaml"


def test_several_images_may_stand_in_several_files() -> None:
    found = target(
        rollout_yaml=ROLLOUT + b"- {file: job.yml, container: job}\n",
        web_yaml=workload("Deployment", "web", "web"),
        job_yml=workload("StatefulSet", "job", "job"),
    )
    assert [(place.file, value) for place, value in found.current.items()] == [
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
    ("files", "got", "remedy"),
    [
        (
            {},
            "no such folder",
            "run `shipway init --environment prod --ops ../ops` in the app's folder, where ../ops "
            "is a clone of the ops repository, and commit what it writes there",
        ),
        (
            {"b_yaml": b"", "a_yaml": b""},
            "a.yaml, b.yaml",
            "write one for the files that are there; `shipway init --environment prod --dry-run` "
            "in the app's folder prints one",
        ),
    ],
)
def test_an_environment_without_a_rollout_does_not_know_the_app(
    files: dict[str, bytes], got: str, remedy: str
) -> None:
    assert str(refusal(**files)) == (
        "'prod' does not know 'shop'.\n"
        "  where:     ops repository at 0123456\n"
        "  expected:  prod/shop/rollout.yaml beside the app's manifests\n"
        f"  got:       {got}\n"
        f"  untouched: {UNTOUCHED}\n"
        f"  remedy:    {remedy}"
    )


def test_a_file_that_is_not_there_is_refused() -> None:
    assert str(refusal(rollout_yaml=ROLLOUT)) == (
        "rollout.yaml names a file that is not there.\n"
        "  where:     prod/shop/rollout.yaml\n"
        "  expected:  a file 'web.yaml' beside it\n"
        "  got:       rollout.yaml\n"
        f"  untouched: {UNTOUCHED}\n"
        "  remedy:    correct it there; `shipway check` finds such mistakes before a commit"
    )


def test_a_container_that_is_not_there_is_refused() -> None:
    error = refusal(rollout_yaml=ROLLOUT, web_yaml=workload("Deployment", "web", "other"))
    assert error.what == "No single container 'web' with an image."
    assert error.facts["where"] == "prod/shop/web.yaml"


RENDERED = b"""\
strategy: rolling
namespace: shop
agent: external
images:
- {file: kustomization.yaml, kustomize: acme/shop}
- {file: values.yaml, helm: /web/image}
"""


def test_kustomize_and_helm_hold_images_without_workloads() -> None:
    found = target(
        rollout_yaml=RENDERED,
        kustomization_yaml=b"images: [{name: acme/shop, newTag: v1}]\n",
        values_yaml=b"web: {image: {repository: acme/shop, tag: v2}}\n",
    )
    assert [(one.field.kind, one.field.name, one.value) for one in found.settings] == [
        ("kustomize", "acme/shop", "acme/shop:v1"),
        ("helm", "/web/image", "acme/shop:v2"),
    ]
    assert (found.workloads, found.containers) == ([], set())


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
