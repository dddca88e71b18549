"""What the steps of a rollout make of an overlay: exactly what they mean to, proved by rendering.

An overlay is read and edited in its own folder. Before anything is committed, what Kustomize makes
of it is asked: whether it says what the folder says, and whether each step's edits change the
fields that they mean, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.annotations import path_of
from shipway.kubernetes.differences import differences
from shipway.rollout.fields import changed_files
from shipway.rollout.render import Render
from shipway.rollout.rendered import Rendered, by_key, not_as_meant, places_of
from shipway.rollout.rendered_folder import check_folder
from shipway.rollout.target import Target, target_of
from shipway.rollout.wait_for_field import value_in
from shipway.strategies.step import Step


async def check_rendered_steps(
    render: Render, folder: OpsFolder, steps: Sequence[Step], tag: str
) -> None:
    """See that steps, one after the other, change what is rendered as they mean to.

    Args:
        render: What Kustomize makes of the folder.
        folder: The folder.
        steps: The steps.
        tag: The image's tag, for files that hold one beside the digest.

    Raises:
        RefuseError: One would not; or the folder says another thing than what is rendered of it.
    """
    target = target_of(folder)
    before = by_key(target, (await render({})).objects)
    check_folder(target, before)
    changes = dict[str, bytes]()
    for step in steps:
        edited = changed_files(folder, step.edits, tag)
        if not edited:
            continue
        changes |= edited
        folder = folder.with_changes(edited)
        after = by_key(target, (await render(changes)).objects)
        _check_step(target, step, before, after)
        before = after


def _check_step(target: Target, step: Step, before: Rendered, after: Rendered) -> None:
    """See that what is rendered changes where a step means it to, and nowhere else.

    Raises:
        RefuseError: It does not.
    """
    expected = {key: deepcopy(each.body) for key, each in before.items()}
    found = {key: deepcopy(each.body) for key, each in after.items()}
    for edit in step.edits:
        for place in places_of(target, edit.field, after):
            if place.key in expected:
                _set(expected[place.key], place.pointer, edit.value)
            # An image may be rendered with its tag, which says nothing beside its digest.
            _set(found[place.key], place.pointer, place.value)
    got = [f"{key.title} is rendered no more" for key in expected.keys() - found.keys()]
    got += [f"{key.title} is new" for key in found.keys() - expected.keys()]
    got += [
        f"{key.title}: {each.field} is {each.live}, not {each.desired}"
        for key in expected.keys() & found.keys()
        for each in differences(found[key], expected[key])
    ]
    if not got:
        return
    edits = (f"{edit.field.title} {edit.field.name} {edit.value}" for edit in step.edits)
    raise not_as_meant(
        target,
        f"The step {step.name!r} would not change what Kustomize makes as it means to.",
        ", ".join(dict.fromkeys(edit.field.file for edit in step.edits)),
        expected="\n".join([*(edit.strip() for edit in edits), "and nothing else"]),
        got="\n".join(sorted(got)),
    )


def _set(body: dict[str, Any], pointer: str, value: object) -> None:
    """Set what a JSON Pointer leads to, where there is a mapping that can have it."""
    above, _, _ = pointer.rpartition("/")
    holder = value_in(body, above)
    if isinstance(holder, dict):
        holder[path_of(pointer)[-1]] = value
