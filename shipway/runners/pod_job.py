"""The Job of one test command: what a work pool's template says, and what the command needs."""

from __future__ import annotations

import copy
import hashlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from shipway.runners.containers import OWNER_LABEL, RUN_LABEL, Sidecar
from shipway.runners.process_identity import owner
from shipway.test_tools.tool import Invocation

FOLDER = "/shipway"
TESTS = "tests"
FILES = "files"
# A log is all that is left of a pod that has ended: what the command wrote goes there, framed. As
# text, because a container engine takes carriage returns from line ends; small, because a kubelet
# turns over a log of 10 MiB.
TELL_RESULTS = r"""file=$1 mark=$2; shift 2; "$@"; status=$?
if [ -f "$file" ]; then
  printf '\036%s+\n' "$mark"; gzip -c <"$file" | base64 && printf '\036%s.\n' "$mark"
fi
exit $status"""

Manifest = dict[str, Any]


def job_name(name: str) -> str:
    """A name that Kubernetes takes for a Job and its pods, of at most 56 characters."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"shipway-{name[:39].strip('-')}-{digest}"


def job(
    template: Manifest,
    name: str,
    run: str,
    image: str,
    env: Mapping[str, str],
    sidecars: Mapping[str, Sidecar],
    invocation: Invocation,
    mark: str,
    ready_seconds: float,
    deadline_seconds: float,
) -> Manifest:
    """The Job that runs a command beside its services, which share its network: all are localhost.

    Args:
        template: A Job manifest; its first container is the one that tests run in.
        name: As `job_name` gives it.
        run: The flow run.
        image: Reference of the test image.
        env: The layer's environment.
        sidecars: By the name they are reachable by; each is ready before the command starts.
        invocation: The command.
        mark: Stands before the file that the command leaves, at the end of the log.
        ready_seconds: How long a sidecar may take to be ready.
        deadline_seconds: After that many, Kubernetes ends the Job although nobody asks it to.
    """
    body = copy.deepcopy(template)
    spec = body["spec"]
    pod = spec["template"].setdefault("spec", {})
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    labels[RUN_LABEL] = run
    metadata = body.setdefault("metadata", {})
    metadata.pop("generateName", None)
    metadata["name"] = name
    metadata["labels"] = {**(metadata.get("labels") or {}), RUN_LABEL: run}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), OWNER_LABEL: owner()}
    spec["backoffLimit"] = 0
    spec["activeDeadlineSeconds"] = int(deadline_seconds)
    spec.setdefault("ttlSecondsAfterFinished", 600)
    first = pod["containers"][0]
    command = invocation.command
    if invocation.results is not None:
        command = ["sh", "-c", TELL_RESULTS, "shipway", invocation.results, mark, *command]
    given = _variables(first.pop("env", None))
    first |= {
        "name": TESTS,
        "image": image,
        "command": command,
        "env": _entries({**given, **env, **invocation.env}),
        "volumeMounts": [
            *first.get("volumeMounts", []),
            {"name": "shipway", "mountPath": FOLDER},
            *(
                {"name": FILES, "mountPath": f"{FOLDER}/{file}", "subPath": file}
                for file in invocation.files
            ),
        ],
    }
    first.pop("args", None)
    pod["restartPolicy"] = "Never"
    # Process 1 ignores signals it has no handler for: let that be the pod's own, not the tests'.
    pod["shareProcessNamespace"] = True
    pod["terminationGracePeriodSeconds"] = 1
    pod["hostAliases"] = [{"ip": "127.0.0.1", "hostnames": sorted(sidecars)}] if sidecars else []
    pod["initContainers"] = [
        *pod.get("initContainers", []),
        *(_sidecar(host, one, ready_seconds) for host, one in sidecars.items()),
    ]
    pod["volumes"] = [
        *pod.get("volumes", []),
        {"name": "shipway", "emptyDir": {}},
        {"name": FILES, "configMap": {"name": name}},
    ]
    return body


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
        return {one["name"]: one for one in env}
    return dict(env) if isinstance(env, dict) else {}


def _entries(env: Mapping[str, Any]) -> list[Manifest]:
    return [
        value if isinstance(value, dict) else {"name": name, "value": value}
        for name, value in env.items()
    ]
