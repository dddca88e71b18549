"""When a workload came to run what it is told, by the cluster's clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from shipway.kubernetes.observed import Object, Observed
from shipway.kubernetes.pods import condition_of, must_stay_ready, time_of
from shipway.kubernetes.startup import Startup
from shipway.kubernetes.written import written_at

_COMPLETE = "NewReplicaSetAvailable"


def rolled_out_at(observed: Observed, startup: Startup) -> datetime | None:
    """When all pods of a workload counted as ready, that is healthy now.

    A Deployment says so itself: pods that come later, with the load or from another node, change
    nothing about it. It does not say it of pods that it got without a new template. Those, and the
    pods of other kinds, tell by themselves.

    Args:
        observed: The workload, and what belongs to it.
        startup: How long a container must stay up to count as ready.

    Returns:
        The time, in whole seconds; None where the objects do not tell.
    """
    workload, new = observed.workload, observed.new_pods
    told = written_at(workload, ("spec",))
    if told is None:
        return None
    complete = completed_at(workload)
    if complete is not None and complete > told:
        return complete + _settled([pod for pod in new if _made_by(pod, complete)], startup)
    ready = [written_at(pod, ("status", "conditions")) for pod in new]
    known = [time for time in ready if time is not None]
    if len(known) < len(new):
        return None
    least = timedelta(seconds=workload["spec"].get("minReadySeconds") or 0)
    return max([told, *known]) + max(_settled(new, startup), least)


def completed_at(workload: Object) -> datetime | None:
    """When a Deployment's rollout of its newest template was complete, as it says itself."""
    progressing = condition_of(workload, "Progressing")
    if progressing.get("reason") != _COMPLETE:
        return None
    return time_of(progressing.get("lastUpdateTime"))


def _settled(pods: Sequence[Object], startup: Startup) -> timedelta:
    """For how long pods must be ready until the last of them counts as up."""
    return max((must_stay_ready(pod, startup) for pod in pods), default=timedelta())


def _made_by(pod: Object, time: datetime) -> bool:
    """Whether a pod was there at a time."""
    made = time_of(pod["metadata"].get("creationTimestamp"))
    return made is None or made <= time
