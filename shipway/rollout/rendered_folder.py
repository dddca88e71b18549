"""Whether the folder of an overlay says what Kustomize makes of it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic_core import to_jsonable_python

from shipway.errors import RefuseError
from shipway.kubernetes.autoscaler import autoscaler_of
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.rendered import Rendered, key_of, not_as_meant, parts_set, places_of
from shipway.rollout.target import Target
from shipway.strategies.step import is_released


def check_folder(target: Target, rendered: Rendered) -> None:
    """See that the folder says what is rendered of it, as far as the strategy reads and sets it.

    Raises:
        RefuseError: It does not.
    """
    for part in parts_set(target):
        if key_of(target, part) not in rendered:
            raise _not_rendered(target, part, rendered)
    for part in target.workloads:
        _check_autoscaler(target, part, rendered)
    _check_strategy(target, rendered)
    for field, value in target.current.items():
        # A placeholder before the first release is no image yet.
        if field.is_image and not is_released(value):
            continue
        for place in places_of(target, field, rendered):
            if place.value != value:
                raise not_as_meant(
                    target,
                    f"Kustomize gives {place.key.title} another value than the folder has.",
                    field.file,
                    expected=f"{place.pointer} {value}",
                    got=str(place.value),
                )


def _check_autoscaler(target: Target, part: KubeObject, rendered: Rendered) -> None:
    """See that the folder has the autoscaler of a workload, if one is rendered."""
    workload, namespace = rendered[key_of(target, part)], target.rollout.namespace
    autoscaler = autoscaler_of(workload, rendered.values(), namespace)
    if autoscaler is None or autoscaler_of(part, target.objects, namespace) == autoscaler:
        return
    raise not_as_meant(
        target,
        f"{autoscaler.title} scales {part.title}, and the folder does not say so.",
        part.file_name,
        expected="its scaleTargetRef, minReplicas and maxReplicas in the folder",
        got=f"{autoscaler.title}, rendered from elsewhere",
        remedy="have its manifest, or a patch that says these three, in the folder",
    )


def _check_strategy(target: Target, rendered: Rendered) -> None:
    """See that what is rendered makes the strategy that the folder makes."""
    files = {key_of(target, part): part.file for part in target.objects}
    objects = [
        whole.model_copy(update={"file": files.get(key, whole.file)})
        for key, whole in rendered.items()
    ]
    made = target.strategy_for(objects, target.live_pods)
    if made == target.strategy:
        return
    there, here = (dict(_leaves(to_jsonable_python(one))) for one in (made, target.strategy))
    raise not_as_meant(
        target,
        "Kustomize makes something else of what the strategy reads than the folder says.",
        "rollout.yaml: " + target.rollout.section,
        expected="labels, selectors and backends in the folder as they are rendered",
        got="\n".join(
            f"{path} is {there.get(path)}, the folder says {here.get(path)}"
            for path in sorted(there.keys() | here.keys())
            if there.get(path) != here.get(path)
        ),
    )


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """The single values of a tree, each with its path."""
    if isinstance(value, dict | list):
        below = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in below:
            yield from _leaves(each, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _not_rendered(target: Target, part: KubeObject, rendered: Rendered) -> RefuseError:
    alike = [
        f"{key.title} in namespace {key.namespace}" for key in rendered if key.kind == part.kind
    ]
    return not_as_meant(
        target,
        f"Kustomize makes no {part.title} of the folder.",
        part.file_name,
        expected=target.address_of(part),
        got=", ".join(alike) or f"no {part.kind}",
        remedy="name it in the folder as it is in the cluster: without namePrefix and nameSuffix, "
        "and in the namespace that rollout.yaml says",
    )
