"""Jobs that have run and went by themselves: what is missing of them is no drift.

The parent of a set remembers the manifest of each Job that Kubernetes deletes once it has finished
(`ttlSecondsAfterFinished`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from shipway.kubernetes.annotations import CREATE_ONCE, is_asked
from shipway.kubernetes.membership import Identity

RAN = "shipway.dev/ran-jobs"

_DIGITS = 16


def ran_jobs(annotations: Mapping[str, str]) -> dict[str, str]:
    """The hash of each such Job's manifest, by namespace and name."""
    return json.loads(annotations.get(RAN) or "{}")


def name_of(identity: Identity) -> str:
    """A Job as the parent names it."""
    return f"{identity.namespace}/{identity.name}"


def hash_of(manifest: Mapping[str, Any]) -> str:
    """Equal for equal manifests."""
    text = json.dumps(manifest, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def goes_by_itself(identity: Identity, live: Mapping[str, Any]) -> bool:
    """Whether an object is a Job that Kubernetes deletes once it has finished."""
    is_job = (identity.group, identity.kind) == ("batch", "Job")
    return is_job and live.get("spec", {}).get("ttlSecondsAfterFinished") is not None


def has_run(identity: Identity, manifest: Mapping[str, Any], ran: Mapping[str, str]) -> bool:
    """Whether a Job that is missing has run as Git says, or is to run only once."""
    if (identity.group, identity.kind) != ("batch", "Job"):
        return False
    known = ran.get(name_of(identity))
    return known is not None and (is_asked(manifest, CREATE_ONCE) or known == hash_of(manifest))
