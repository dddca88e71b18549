from __future__ import annotations

import base64
import copy
from typing import Any

import pytest

from shipway.process_identity import this_process
from shipway.runners.environment import Sidecar
from shipway.runners.labels import OWNER_LABEL, RUN_LABEL
from shipway.runners.pod_job import FOLDER, files, job, job_name
from shipway.test_tools.tool import Invocation
from tests.support.environments import spec_of

TEMPLATE: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"generateName": "run-", "labels": {"team": "shop"}},
    "spec": {
        "ttlSecondsAfterFinished": 60,
        "template": {
            "spec": {
                "serviceAccountName": "tests",
                "initContainers": [{"name": "warm", "image": "cache"}],
                "volumes": [{"name": "cache", "emptyDir": {}}],
                "containers": [
                    {
                        "name": "prefect-job",
                        "image": "prefect",
                        "args": ["prefect", "flow-run", "execute"],
                        "env": [{"name": "ZONE", "value": "a"}, {"name": "KEPT", "value": "b"}],
                        "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
                        "resources": {"limits": {"cpu": "2"}},
                    }
                ],
            }
        },
    },
}


def made(
    template: dict[str, Any] = TEMPLATE,
    sidecars: dict[str, Sidecar] | None = None,
    **invocation: Any,
) -> dict[str, Any]:
    command = Invocation(command=["pytest", "-q"], env={"ZONE": "c", "X": "1"}, **invocation)
    spec = spec_of(run="run", image="image@sha256:0", env={"LAYER": "unit"}, sidecars=sidecars)
    return job(template, "name", spec, command, ready_seconds=30)


def pod_of(body: dict[str, Any]) -> dict[str, Any]:
    return body["spec"]["template"]["spec"]


def test_the_job_is_the_runs_and_ends_by_itself() -> None:
    body = made()
    assert body["metadata"] == {
        "name": "name",
        "labels": {"team": "shop", RUN_LABEL: "run"},
        "annotations": {OWNER_LABEL: this_process()},
    }
    assert body["spec"]["template"]["metadata"]["labels"] == {RUN_LABEL: "run"}
    spec = body["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, 330)
    assert spec["ttlSecondsAfterFinished"] == 60


def test_the_pool_says_how_the_pod_looks_and_the_layer_what_it_runs() -> None:
    before = copy.deepcopy(TEMPLATE)
    pod = pod_of(made())
    (tests,) = pod["containers"]
    assert pod["serviceAccountName"] == "tests"
    assert pod["initContainers"] == [{"name": "warm", "image": "cache"}]
    assert tests["resources"] == {"limits": {"cpu": "2"}}
    assert tests["volumeMounts"][0] == {"name": "cache", "mountPath": "/cache"}
    assert (tests["image"], tests["command"]) == ("image@sha256:0", ["pytest", "-q"])
    assert "args" not in tests
    assert {one["name"]: one["value"] for one in tests["env"]} == {
        "ZONE": "c",
        "KEPT": "b",
        "LAYER": "unit",
        "X": "1",
    }
    assert before == TEMPLATE


def test_a_templates_environment_may_be_a_mapping_or_missing() -> None:
    template = copy.deepcopy(TEMPLATE)
    first = pod_of(template)["containers"][0]
    first["env"] = {"KEPT": "b"}
    names = {one["name"] for one in pod_of(made(template))["containers"][0]["env"]}
    assert names == {"KEPT", "LAYER", "ZONE", "X"}
    del first["env"]
    names = {one["name"] for one in pod_of(made(template))["containers"][0]["env"]}
    assert names == {"LAYER", "ZONE", "X"}


def test_services_are_sidecars_that_share_the_pods_network() -> None:
    db = Sidecar(image="postgres", env={"A": "1"}, ready=["pg_isready"])
    web = Sidecar(image="web", env={}, ready=None)
    pod = pod_of(made(sidecars={"db": db, "app": web}))
    assert pod["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": ["app", "db"]}]
    warm, first, second = pod["initContainers"]
    assert warm["name"] == "warm"
    assert first == {
        "name": "db",
        "image": "postgres",
        "env": [{"name": "A", "value": "1"}],
        "restartPolicy": "Always",
        "startupProbe": {
            "exec": {"command": ["pg_isready"]},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 30,
        },
    }
    assert "startupProbe" not in second


def test_an_invocations_files_lie_in_a_folder_that_can_be_written_to() -> None:
    body = made(files={"plan.json.gz": b"plan"})
    (tests,) = pod_of(body)["containers"]
    assert tests["volumeMounts"][1:] == [
        {"name": "shipway", "mountPath": FOLDER},
        {"name": "files", "mountPath": f"{FOLDER}/plan.json.gz", "subPath": "plan.json.gz"},
    ]
    body["metadata"]["uid"] = "uid"
    held = files("name", body, {"plan.json.gz": b"plan"})
    assert held["binaryData"] == {"plan.json.gz": base64.b64encode(b"plan").decode()}
    assert held["metadata"]["ownerReferences"][0]["uid"] == "uid"
    assert held["metadata"]["labels"] == {RUN_LABEL: "run"}


@pytest.mark.parametrize("name", ["shop-unit-1", "x" * 200, "shop-" * 30, "a"])
def test_a_jobs_name_is_short_and_its_own(name: str) -> None:
    short = job_name(name)
    assert len(short) <= 56
    assert short != job_name(f"{name}x")
    assert "--" not in short
    assert short == short.strip("-")
