"""The manifests of deployments/kubernetes: who may what, and who reaches whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prefect.settings import get_current_settings
from prefect_redis.messaging import RedisMessagingPublisherSettings

from deployments import bootstrap
from deployments.removed import PREFECT_YAML
from tests.support.project import HOME

FOLDER = HOME / "deployments" / "kubernetes"
WORKLOADS = {"Deployment", "StatefulSet", "Job", "PodTemplate"}
# Where nothing but BuildKit is, which cannot hold to `restricted`.
BUILD = "shipway-build"
RUN, WORKER = ("PodTemplate", "run"), ("Deployment", "worker")
# They hold for every pod of a namespace, and so say nothing of one.
FOR_ALL = {"default-deny", "dns"}

Object = dict[str, Any]


def objects(folder: str = "") -> list[Object]:
    """What the files of a folder have, apart from those of Kustomize itself."""
    found: list[Object] = []
    for file in sorted((FOLDER / folder).rglob("*.yaml")):
        if file.name != "kustomization.yaml":
            found += yaml.safe_load_all(file.read_text("utf-8"))
    return found


def of_kind(*kinds: str, folder: str = "") -> list[Object]:
    return [each for each in objects(folder) if each["kind"] in kinds]


def named(kind: str, name: str) -> Object:
    (found,) = [each for each in of_kind(kind) if each["metadata"]["name"] == name]
    return found


def name_of(each: Object) -> str:
    return f"{each['kind']}/{each['metadata']['name']}"


def template(workload: Object) -> Object:
    return workload["template"] if "template" in workload else workload["spec"]["template"]


def containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", []), *pod["containers"]]


PODS = [
    pytest.param(template(each)["spec"], id=name_of(each))
    for each in of_kind(*WORKLOADS)
    if each["metadata"]["namespace"] != BUILD
]


def faults(pod: Object) -> Iterator[str]:
    """What a pod may do that it need not."""
    context = pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
        yield "root"
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccomp"
    if "automountServiceAccountToken" not in pod:
        yield "token"
    if host := {"hostNetwork", "hostPID", "hostIPC"} & set(pod):
        yield f"{host}"
    for volume in pod.get("volumes", []):
        if set(volume) != {"name", "emptyDir"}:
            yield f"volume {volume['name']}"
    for each in containers(pod):
        yield from (f"{each['name']}: {fault}" for fault in container_faults(each))


def container_faults(container: Object) -> Iterator[str]:
    said = container.get("securityContext", {})
    if said.get("allowPrivilegeEscalation") is not False or "privileged" in said:
        yield "privileges"
    if said.get("readOnlyRootFilesystem") is not True:
        yield "root file system"
    if said.get("capabilities") != {"drop": ["ALL"]}:
        yield "capabilities"
    resources = container.get("resources", {})
    if set(resources.get("requests", {})) != {"cpu", "memory"}:
        yield "requests"
    if "memory" not in resources.get("limits", {}):
        yield "limits"


@pytest.mark.parametrize("pod", PODS)
def test_a_pod_may_do_no_more_than_it_needs(pod: Object) -> None:
    assert list(faults(pod)) == []


def test_buildkit_may_map_ids_and_make_mounts_and_no_more() -> None:
    (buildkit,) = [each for each in of_kind(*WORKLOADS) if each["metadata"]["namespace"] == BUILD]
    assert list(faults(template(buildkit)["spec"])) == [
        "seccomp",
        "volume configuration",
        "volume keys",
        "buildkitd: privileges",
        "buildkitd: capabilities",
    ]
    (container,) = template(buildkit)["spec"]["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": True,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": ["SETGID", "SETUID"]},
    }


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}, "root"),
        ({"securityContext": {"runAsNonRoot": True, "runAsUser": 1}}, "seccomp"),
        ({"hostNetwork": True}, "{'hostNetwork'}"),
        ({"volumes": [{"name": "engine", "hostPath": {"path": "/run"}}]}, "volume engine"),
        ({"initContainers": [{"name": "a"}]}, "a: capabilities"),
    ],
)
def test_a_pod_that_may_do_more_is_noticed(change: Object, fault: str) -> None:
    assert fault in list(faults(template(named("Deployment", "worker"))["spec"] | change))


def test_only_what_runs_flows_has_a_token_of_the_cluster() -> None:
    mounting = {
        each["metadata"]["name"]
        for each in of_kind(*WORKLOADS)
        if template(each)["spec"]["automountServiceAccountToken"]
    }
    assert mounting == {"agent", "launcher", "run", "worker"}
    accounts = of_kind("ServiceAccount")
    assert all(each["automountServiceAccountToken"] is False for each in accounts)


def test_each_workload_has_an_account_or_none_to_use() -> None:
    accounts = {each["metadata"]["name"] for each in of_kind("ServiceAccount")}
    for each in of_kind(*WORKLOADS, folder="base"):
        assert template(each)["spec"]["serviceAccountName"] in accounts


def test_what_serves_says_when_it_is_ready() -> None:
    for each in of_kind("Deployment", "StatefulSet"):
        for container in template(each)["spec"]["containers"]:
            assert ("ports" in container) == ("readinessProbe" in container), name_of(each)


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether labels match; of expressions, those with `In`."""
    return all(
        labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()
    ) and all(
        labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", [])
    )


@pytest.mark.parametrize("folder", ["base", "shards", "buildkit"])
def test_a_namespace_lets_nothing_in_or_out_by_default(folder: str) -> None:
    (namespace,) = of_kind("Namespace", folder=folder)
    policies = {each["metadata"]["name"]: each for each in of_kind("NetworkPolicy", folder=folder)}
    deny = policies["default-deny"]
    assert deny["metadata"]["namespace"] == namespace["metadata"]["name"]
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    everyone = {name for name, each in policies.items() if each["spec"]["podSelector"] == {}}
    assert everyone == FOR_ALL


@pytest.mark.parametrize(
    "workload", [pytest.param(each, id=name_of(each)) for each in of_kind(*WORKLOADS)]
)
def test_a_policy_says_whom_a_workload_reaches_or_hears(workload: Object) -> None:
    labels = template(workload)["metadata"]["labels"]
    assert [
        policy["metadata"]["name"]
        for policy in of_kind("NetworkPolicy")
        if policy["metadata"]["name"] not in FOR_ALL
        and selects(policy["spec"]["podSelector"], labels)
    ]


def test_each_policy_is_of_a_workload() -> None:
    labels = [template(each)["metadata"]["labels"] for each in of_kind(*WORKLOADS)]
    for policy in of_kind("NetworkPolicy"):
        assert any(selects(policy["spec"]["podSelector"], each) for each in labels)


def test_namespaces_enforce_pod_security_and_all_but_tests_and_builds_are_restricted() -> None:
    levels = {
        each["metadata"]["name"]: each["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for each in of_kind("Namespace")
    }
    assert levels == {"shipway": "restricted", "shipway-tests": "baseline", BUILD: "privileged"}


def test_only_what_runs_releases_reaches_buildkit() -> None:
    policy = next(
        each["spec"]
        for each in of_kind("NetworkPolicy", folder="buildkit")
        if each["metadata"]["name"] == "buildkit"
    )
    (rule,) = policy["ingress"]
    (source,) = rule["from"]
    namespace = source["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    assert {
        each["metadata"]["name"]
        for each in of_kind(*WORKLOADS)
        if each["metadata"]["namespace"] == namespace
        and selects(source["podSelector"], template(each)["metadata"]["labels"])
    } == {"worker", "run"}


def test_the_pod_of_a_run_is_as_the_pod_of_a_worker() -> None:
    run, worker = (template(named(*each))["spec"] for each in (RUN, WORKER))
    assert run["serviceAccountName"] == worker["serviceAccountName"]
    assert run["securityContext"] == worker["securityContext"]
    same = ("image", "envFrom", "securityContext", "volumeMounts")
    (of_run,), (of_worker,) = run["containers"], worker["containers"]
    assert {key: of_run[key] for key in same} == {key: of_worker[key] for key in same}


def verbs(role: Object) -> dict[tuple[str, str], set[str]]:
    """What a role lets somebody do, by group and resource."""
    return {
        (group, resource): set(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def test_no_role_has_a_wildcard_or_leads_to_another() -> None:
    for role in of_kind("Role", "ClusterRole"):
        allowed = verbs(role)
        groups = {group for group, _ in allowed}
        assert "rbac.authorization.k8s.io" not in groups
        assert not any(
            "*" in {group, resource, *said} for (group, resource), said in allowed.items()
        )
        assert not any(said & {"bind", "escalate", "impersonate"} for said in allowed.values())


def test_in_all_namespaces_only_the_agent_lists_config_maps() -> None:
    (binding,) = of_kind("ClusterRoleBinding")
    assert [each["name"] for each in binding["subjects"]] == ["agent"]
    role = named("ClusterRole", binding["roleRef"]["name"])
    assert verbs(role) == {("", "configmaps"): {"list"}}


def test_the_agent_deletes_what_a_release_may_make_but_no_data() -> None:
    made = {
        what
        for what, said in verbs(named("ClusterRole", "shipway-release")).items()
        if "create" in said
    }
    deletes = set(verbs(named("ClusterRole", "shipway-prune")))
    # Its right to delete Jobs is the release's own.
    assert made - deletes == {("", "persistentvolumeclaims"), ("batch", "jobs")}
    assert deletes <= made


def test_each_binding_is_of_a_role_and_an_account_that_there_are() -> None:
    accounts = {
        (each["metadata"]["namespace"], each["metadata"]["name"])
        for each in of_kind("ServiceAccount")
    }
    for binding in of_kind("RoleBinding", "ClusterRoleBinding"):
        named(binding["roleRef"]["kind"], binding["roleRef"]["name"])
        assert {(each["namespace"], each["name"]) for each in binding["subjects"]} <= accounts


def literals(folder: str) -> dict[str, dict[str, str]]:
    """The variables of each ConfigMap that Kustomize makes in a folder."""
    said = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text("utf-8"))
    return {
        each["name"]: dict(one.split("=", 1) for one in each["literals"])
        for each in said["configMapGenerator"]
    }


def prefect_variables(model: Any) -> Iterator[str]:
    """The variables that Prefect reads its settings from."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if hasattr(type(value), "model_fields"):
            yield from prefect_variables(value)
        else:
            yield f"{type(model).model_config['env_prefix']}{name}".upper()
            if alias := field.validation_alias:
                choices = getattr(alias, "choices", [])
                yield from (each.upper() for each in choices if isinstance(each, str))


@pytest.mark.parametrize("folder", ["base", "example"])
def test_every_variable_is_read_by_someone(folder: str) -> None:
    settings = (get_current_settings(), RedisMessagingPublisherSettings())
    prefects = {name for each in settings for name in prefect_variables(each)} | {"DO_NOT_TRACK"}
    assert bootstrap.__doc__
    shipways = set(re.findall(r"SHIPWAY_[A-Z_]+", bootstrap.__doc__))
    said = literals(folder)
    for name in said:
        assert set(said[name]) <= (shipways if name == "shipway" else prefects), name


def test_each_queue_of_the_deployments_has_a_worker() -> None:
    deployments = yaml.safe_load(PREFECT_YAML.read_text("utf-8"))["deployments"]
    queues = {
        (each["work_pool"]["name"], each["work_pool"].get("work_queue_name", "default"))
        for each in deployments
    }
    workers = [
        dict(re.findall(r"--([a-z-]+)=(\S+)", " ".join(container["args"])))
        for each in of_kind("Deployment", folder="base")
        for container in template(each)["spec"]["containers"]
        if "worker" in container["args"]
    ]
    assert {(each["pool"], each["work-queue"]) for each in workers} == queues
    assert {each["type"] for each in workers} == {"warm-process"}


def test_shards_run_where_the_work_pool_is_told_with_the_account_that_may_nothing() -> None:
    said = literals("base")["shipway"]
    (namespace,) = of_kind("Namespace", folder="shards")
    (account,) = of_kind("ServiceAccount", folder="shards")
    (priority,) = of_kind("PriorityClass", folder="shards")
    assert said["SHIPWAY_POD_NAMESPACE"] == namespace["metadata"]["name"]
    assert said["SHIPWAY_POD_ACCOUNT"] == account["metadata"]["name"]
    assert said["SHIPWAY_POD_PRIORITY"] == priority["metadata"]["name"]
    # The default is 0, which whatever serves people may have.
    assert priority["value"] < 0
    assert priority["preemptionPolicy"] == "Never"
    bound = [each for binding in of_kind("RoleBinding") for each in binding["subjects"]]
    assert account["metadata"]["name"] not in {each["name"] for each in bound}
