"""Who else says which image runs. A kind is one file, and one line here.

A release that is not the only one to say it never converges: the other one writes over its commit,
or has the agent read the image elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shipway.agents.agent import Object, ObjectRef
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.target import Target
from shipway.rollout.writers.argo_cd import said_by_application, said_in_parameter_files
from shipway.rollout.writers.flux import said_by_kustomization, said_in_markers
from shipway.rollout.writers.other_writer import OtherWriter

InGit = Callable[[OpsFolder, Target], OtherWriter | None]
InCluster = Callable[[ObjectRef, Object, Target], OtherWriter | None]

IN_GIT: tuple[InGit, ...] = (said_in_markers, said_in_parameter_files)
IN_CLUSTER: tuple[InCluster, ...] = (said_by_kustomization, said_by_application)


def check_only_writer(folder: OpsFolder, target: Target) -> None:
    """See that no file of an app's folder has somebody else say which image runs.

    Raises:
        RefuseError: One has.
    """
    for find in IN_GIT:
        if other := find(folder, target):
            raise _refusal(other)


def check_only_source(bodies: Mapping[ObjectRef, Object], target: Target) -> None:
    """See that no object of another agent says which image runs, in spite of Git.

    Raises:
        RefuseError: One does.
    """
    for ref, body in bodies.items():
        for find in IN_CLUSTER:
            if other := find(ref, body, target):
                raise _refusal(other)


def _refusal(other: OtherWriter) -> RefuseError:
    return RefuseError(
        f"{other.who} says as well which image runs.",
        where=other.where,
        expected="one writer of the image: the release",
        got=other.words,
        untouched="the ops repository and the cluster",
        remedy=other.remedy,
    )
