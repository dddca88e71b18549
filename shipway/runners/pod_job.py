"""The Job of one test command: what a work pool's template says, and what the command needs."""

from __future__ import annotations

import copy
import hashlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from shipway.process_identity import this_process
from shipway.runners.environment import EnvironmentSpec, Sidecar
from shipway.runners.labels import OWNER_LABEL, RUN_LABEL
from shipway.test_tools.tool import Invocation

FOLDER = "/shipway"
TESTS = "tests"
FILES = "files"

Manifest = dict[str, Any]


def job_name(name: str) -> str:
    """A name that Kubernetes takes for a Job and its pods, of at most 56 characters."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"shipway-{name[:39].strip('-')}-{digest}"


def job(
    template: Manifest,
    name: str,
    spec: EnvironmentSpec,
    invocation: Invocation,
    ready_seconds: float,
) -> Manifest:
    """The Job that runs a command beside its services, which share its network: all are localhost.

    Kubernetes ends it after the time for sidecars and command, although nobody asks it to.

    Args:
        template: A Job manifest; its first container is the one that tests run in.
        name: As `job_name` gives it.
        spec: The environment; each sidecar is ready before the command starts.
        invocation: The command.
        ready_seconds: How long a sidecar may take to be ready.
    """
    body = copy.deepcopy(template)
    job_spec = body["spec"]
    pod = job_spec["template"].setdefault("spec", {})
    pod_labels = job_spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    pod_labels[RUN_LABEL] = spec.run
    metadata = body.setdefault("metadata", {})
    metadata.pop("generateName", None)
    metadata["name"] = name
    metadata["labels"] = {**(metadata.get("labels") or {}), RUN_LABEL: spec.run}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), OWNER_LABEL: this_process()}
    job_spec["backoffLimit"] = 0
    job_spec["activeDeadlineSeconds"] = int(spec.timeout_seconds + ready_seconds)
    job_spec.setdefault("ttlSecondsAfterFinished", 600)
    pod["containers"][0] = _test_container(pod["containers"][0], spec, invocation)
    pod["restartPolicy"] = "Never"
    # Process 1 ignores signals it has no handler for: let that be the pod's own, not the tests'.
    pod["shareProcessNamespace"] = True
    pod["terminationGracePeriodSeconds"] = 1
    hostnames = sorted(spec.sidecars)
    pod["hostAliases"] = [{"ip": "127.0.0.1", "hostnames": hostnames}] if hostnames else []
    pod["initContainers"] = [
        *pod.get("initContainers", []),
        *(_sidecar(host, sidecar, ready_seconds) for host, sidecar in spec.sidecars.items()),
    ]
    pod["volumes"] = [
        *pod.get("volumes", []),
        {"name": "shipway", "emptyDir": {}},
        {"name": FILES, "configMap": {"name": name}},
    ]
    return body


def _test_container(template: Manifest, spec: EnvironmentSpec, invocation: Invocation) -> Manifest:
    """The container that the command runs in; what the template says and nobody else stays."""
    variables = {**_variables(template.get("env")), **spec.env, **invocation.env}
    rest = {key: value for key, value in template.items() if key not in {"args", "env"}}
    return rest | {
        "name": TESTS,
        "image": spec.image,
        "command": invocation.command,
        "env": _entries(variables),
        "volumeMounts": [
            *template.get("volumeMounts", []),
            {"name": "shipway", "mountPath": FOLDER},
            *(
                {"name": FILES, "mountPath": f"{FOLDER}/{file}", "subPath": file}
                for file in invocation.files
            ),
        ],
    }


def files(name: str, owner_job: Manifest, content: Mapping[str, bytes]) -> Manifest:
    """The ConfigMap with an invocation's files; Kubernetes removes it with its Job."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "labels": {RUN_LABEL: owner_job["metadata"]["labels"][RUN_LABEL]},
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "name": name,
                    "uid": owner_job["metadata"]["uid"],
                }
            ],
        },
        "binaryData": {file: b64encode(data).decode("ascii") for file, data in content.items()},
    }


def _sidecar(host: str, sidecar: Sidecar, ready_seconds: float) -> Manifest:
    """An init container that stays: what comes after it starts once it is ready."""
    body: Manifest = {
        "name": host,
        "image": sidecar.image,
        "env": _entries(sidecar.env),
        "restartPolicy": "Always",
    }
    if sidecar.ready is not None:
        body["startupProbe"] = {
            "exec": {"command": sidecar.ready},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": max(1, int(ready_seconds)),
        }
    return body


def _variables(env: object) -> dict[str, Any]:
    """A template's environment, which may be a mapping or Kubernetes' list."""
    if isinstance(env, list):
        return {variable["name"]: variable for variable in env}
    return dict(env) if isinstance(env, dict) else {}


def _entries(env: Mapping[str, Any]) -> list[Manifest]:
    return [
        value if isinstance(value, dict) else {"name": name, "value": value}
        for name, value in env.items()
    ]
