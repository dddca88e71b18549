from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.kubernetes.objects import KubeObject, images_of, read_objects


def manifest(kind: str, name: str = "shop", api: str = "v1", extra: str = "") -> bytes:
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}{extra}}}\n".encode()


def read(files: dict[str, bytes]) -> list[KubeObject]:
    return read_objects(files, "prod/shop")


def refusal(content: bytes) -> RefuseError:
    with pytest.raises(RefuseError) as caught:
        read({"a.yaml": content})
    return caught.value


def test_an_object_knows_where_it_stands_and_keeps_its_whole_body() -> None:
    (found,) = read({"web.yaml": manifest("Service", extra=", namespace: other")})
    assert found == KubeObject(
        file="prod/shop/web.yaml",
        api_version="v1",
        kind="Service",
        name="shop",
        namespace="other",
        body={
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "shop", "namespace": "other"},
        },
    )
    assert found.title == "Service/shop"


def test_a_file_may_hold_several_documents_and_empty_ones() -> None:
    content = (
        b"# head\n---\n" + manifest("Service") + b"---\n---\n" + manifest("ConfigMap") + b"---\n"
    )
    assert [one.title for one in read({"a.yaml": content})] == ["ConfigMap/shop", "Service/shop"]


def test_files_that_are_no_manifests_are_left_out() -> None:
    files = {
        "rollout.yaml": b"strategy: rolling\n",
        "kustomization.yaml": b"resources: [a.yaml]\n",
        "README.md": b"# text: [",
        "values.json": b"{",
        "a.yml": manifest("Service"),
    }
    assert [one.file for one in read(files)] == ["prod/shop/a.yml"]


def test_kustomize_files_of_the_other_ending_are_left_out_too() -> None:
    assert read({"kustomization.yml": b"resources: [a.yaml]\n"}) == []


def test_what_others_need_is_applied_first_and_workloads_last() -> None:
    kinds = [
        "PodDisruptionBudget",
        "CronJob",
        "Job",
        "DaemonSet",
        "StatefulSet",
        "Deployment",
        "Service",
        "Secret",
        "ConfigMap",
        "ServiceAccount",
        "Namespace",
        "CustomResourceDefinition",
    ]
    files = {f"{index:02}.yaml": manifest(kind) for index, kind in enumerate(kinds)}
    assert [one.kind for one in read(files)] == kinds[::-1]


def test_objects_of_one_wave_keep_the_order_of_the_files() -> None:
    files = {
        "b.yaml": manifest("Ingress", "one") + b"---\n" + manifest("Service", "two"),
        "a.yaml": manifest("Service", "three"),
    }
    assert [one.name for one in read(files)] == ["three", "one", "two"]


def test_dates_stay_the_text_that_they_are() -> None:
    content = manifest("ConfigMap") + b"data: {day: 2024-01-31, time: 2024-01-31T10:00:00Z}\n"
    (found,) = read({"a.yaml": content})
    assert found.body["data"] == {"day": "2024-01-31", "time": "2024-01-31T10:00:00Z"}


def test_a_value_with_a_colon_stays_the_text_that_it_is() -> None:
    (found,) = read({"a.yaml": manifest("ConfigMap") + b"data: {ports: 22:22}\n"})
    assert found.body["data"] == {"ports": "22:22"}


@pytest.mark.parametrize("other", ["a.yaml", "b.yml"])
def test_an_object_that_stands_twice_is_refused_with_both_places(other: str) -> None:
    files = {"a.yaml": manifest("Service")}
    files[other] = files.get(other, b"") + b"---\n" + manifest("Service")
    with pytest.raises(RefuseError) as caught:
        read(files)
    assert str(caught.value) == (
        "Service/shop stands twice.\n"
        f"  where:     prod/shop/{other}\n"
        "  expected:  each object once\n"
        "  got:       first in prod/shop/a.yaml\n"
        "  untouched: the cluster"
    )


@pytest.mark.parametrize(
    "other",
    [
        manifest("ConfigMap"),
        manifest("Service", "cart"),
        manifest("Service", extra=", namespace: other"),
    ],
    ids=["another kind", "another name", "another namespace"],
)
def test_objects_that_differ_in_one_part_of_their_identity_are_two(other: bytes) -> None:
    assert len(read({"a.yaml": manifest("Service"), "b.yaml": other})) == 2


def test_objects_of_two_api_groups_are_two() -> None:
    files = {
        "a.yaml": manifest("Service", api="v1"),
        "b.yaml": manifest("Service", api="serving.knative.dev/v1"),
    }
    assert len(read(files)) == 2


def test_a_duplicate_key_is_refused() -> None:
    refusal(manifest("ConfigMap") + b"data: {a: x}\ndata: {b: y}\n")


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"text\n", "TypeError: string indices must be integers, not 'str'"),
        (b"[1]\n", "TypeError: list indices must be integers or slices, not str"),
        (b"kind: Service\n", "KeyError: 'metadata'"),
        (b"apiVersion: v1\nmetadata: {name: a}\n", "KeyError: 'kind'"),
        (b"kind: A\nmetadata: {name: a}\n", "KeyError: 'apiVersion'"),
        (b"apiVersion: v1\nkind: A\nmetadata: {}\n", "KeyError: 'name'"),
    ],
)
def test_what_is_no_object_is_refused(content: bytes, got: str) -> None:
    assert str(refusal(content)) == (
        "Not a Kubernetes object.\n"
        "  where:     prod/shop/a.yaml\n"
        "  expected:  apiVersion, kind and metadata.name\n"
        f"  got:       {got}\n"
        "  untouched: the cluster"
    )


@pytest.mark.parametrize("name", ["1", "", "[a]", "yes"])
def test_a_name_that_is_no_text_is_refused(name: str) -> None:
    assert refusal(manifest("Service", name)).what == "Not a Kubernetes object."


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"a: 'x", ":1", "found unexpected end of stream"),
        (b"a: \x07", "", "control characters are not allowed"),
        (b"a: !!python/name:os.system", ":1", "could not determine a constructor for the tag"),
        (b"a: {{ .x }}", ":1", "found unhashable key"),
        (b"{{- include }}", ":1", "a template"),
    ],
    ids=["open quote", "control character", "a tag that runs code", "a value", "a template"],
)
def test_what_is_no_yaml_is_refused(content: bytes, line: str, words: str) -> None:
    error = refusal(content)
    assert error.what == "Not valid YAML."
    assert error.facts["where"] == f"prod/shop/a.yaml{line}"
    assert error.facts["untouched"] == "the cluster"
    assert words in str(error.facts["got"])


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    error = refusal(b"a: \xff")
    assert (error.what, error.facts["where"]) == ("Not UTF-8.", "prod/shop/a.yaml")


def test_a_value_that_its_tag_contradicts_is_refused() -> None:
    assert refusal(b"a: !!int x").what == "Not valid YAML."


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
    assert images_of(made(spec)).keys() == names


def test_a_list_of_containers_that_is_null_is_empty() -> None:
    pod = {"initContainers": None, "containers": [{"name": "a"}]}
    assert images_of(made({"template": {"spec": pod}})) == {"a": None}
