"""A job of a release in the cluster: what it is there, and what follows from how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict

from shipway.config.jobs import JobWhen, ReleaseJob
from shipway.errors import BadVersionError, FailError, HaltError, ShipwayError
from shipway.gates.job import verdict_of
from shipway.kubernetes.job import LAST_LINES, JobEnd
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.ran_jobs import hash_of
from shipway.kubernetes.run_once import TURN
from shipway.release import Release
from shipway.rollout.jobs import TRAILER
from shipway.rollout.target import Target

# Of names in a cluster, and of values of labels.
_LONGEST = 63
_DEFAULTS = {"backoffLimit": 0, "activeDeadlineSeconds": 600}
_UNTOUCHED: Mapping[JobWhen, str] = {
    "before": "the ops repository and the app's pods: this run has committed nothing",
    "after": "the rollout, which stands where it is",
}


class RanJob(BaseModel):
    """A job of a release that is over.

    Attributes:
        name: What rollout.yaml calls it.
        job: The object.
        end: How it ended.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    job: KubeObject
    end: JobEnd

    @property
    def words(self) -> str:
        """How it ended, in a few words without its log."""
        code = self.end.exit_code
        return "no exit code" if code is None else f"exit code {code}"


def job_object(target: Target, release: Release, job: ReleaseJob) -> KubeObject:
    """A job as an object of the cluster.

    Its name is made of what it is: of app, environment, image, and all that the file says of it.
    So it is one Job for a release, and another one once somebody has mended it.
    """
    app, environment, image = target.app, target.environment, str(release.image.pinned())
    is_made_of = {
        "folder": target.folder,
        "image": image,
        "job": job.model_dump(mode="json", exclude_unset=True),
    }
    digits = hash_of(is_made_of)
    beginning = f"{app}-{job.name}"[: _LONGEST - 1 - len(digits)].rstrip("-")
    metadata: dict[str, Any] = {
        "name": f"{beginning}-{digits}",
        "labels": {
            "app.kubernetes.io/managed-by": "shipway",
            "shipway.dev/app": app,
            "shipway.dev/environment": environment,
            "shipway.dev/job": job.name,
            TURN: sha256(target.folder.encode()).hexdigest()[:16],
        },
        "annotations": {
            "shipway.dev/image": image,
            "shipway.dev/revision": release.revision.commit,
        },
    }
    return KubeObject(
        file=f"{target.folder}/rollout.yaml",
        api_version="batch/v1",
        kind="Job",
        name=metadata["name"],
        namespace=None,
        body={
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": metadata,
            "spec": _spec(job.spec, image),
        },
    )


def job_trailers(ran: Sequence[RanJob]) -> dict[str, str]:
    """What says in a commit that jobs ran."""
    return {TRAILER: "; ".join(f"{job.name}: {job.words}" for job in ran)} if ran else {}


def judge_job(target: Target, ran: RanJob, when: JobWhen) -> ShipwayError | None:
    """The error for a job that does not let the release go on; None for one that does.

    Args:
        target: The environment.
        ran: The job.
        when: Before the first step, or after the last.
    """
    measured, job, name = verdict_of(ran.end), ran.job, ran.name
    if measured.verdict == "pass":
        return None
    namespace = target.rollout.namespace
    again = f"`kubectl delete job {job.name} --namespace {namespace}`"
    last_words = "\n".join(ran.end.words.splitlines()[-LAST_LINES:])
    code = f"exit code {ran.end.exit_code}\n" if measured.verdict == "fail" else ""
    is_red = BadVersionError if when == "after" else FailError
    kind, what = (
        (is_red, f"The job {name!r} is red.")
        if measured.verdict == "fail"
        else (HaltError, f"The job {name!r} has no answer: neither done nor failed.")
    )
    return kind(
        what,
        where=f"{job.title} in namespace {namespace}",
        expected="exit code 0",
        got=f"{code}{last_words}".strip(),
        untouched=_UNTOUCHED[when],
        remedy="release a revision that mends it. It does not run again for this image by itself: "
        f"where it may, change it in rollout.yaml or {again}, and start the release again",
    )


def _spec(spec: Mapping[str, Any], image: str) -> dict[str, Any]:
    """A Job's spec with what rollout.yaml leaves to Shipway."""
    template: dict[str, Any] = spec["template"]
    pod: dict[str, Any] = template["spec"]
    lists = {
        key: [{"image": image, **container} for container in pod[key]]
        for key in ("initContainers", "containers")
        if pod.get(key)
    }
    return {
        **_DEFAULTS,
        **spec,
        "template": {**template, "spec": {"restartPolicy": "Never", **pod, **lists}},
    }
