"""An agent that does not apply: how soon a release says so, and in whose words."""

from __future__ import annotations

from bench.agents.agent import Agent, app_of, tell_flux
from bench.common.section import Cell, Section
from bench.rollouts.rollout_app import RolloutApp, now

# So long that nothing comes by itself.
FLUX = Agent(title="Flux, 10 min, nudged", interval="10m", named=True)
BAD_PORT, GOOD_PORT = 99999, 99
SUSPENDED = "suspended"
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: more, namespace: {app}}}
spec: {{ports: [{{port: {port}}}]}}
"""


async def told() -> Section:
    """Release while Flux is suspended, onto a commit that it fails on, and after one."""
    rows, held = list[dict[str, Cell]](), list[bool]()

    async def refused(what: str, words: str) -> None:
        app.next()
        before, begin = app.pulse.trailers("Step"), now()
        state = await app.release()
        seconds = now() - begin
        said = str(state.message)
        committed = len(app.pulse.trailers("Step")) - len(before)
        rows.append({"Flux": what, "Until the message, s": round(seconds, 1), "Commits": committed})
        held.append(state.is_failed() and words in said)

    async with app_of(FLUX, "rolling") as app:
        await _suspend(app, suspend=True)
        await refused("is suspended", SUSPENDED)
        await _suspend(app, suspend=False)
        app.pulse.write({"more.yaml": SERVICE.format(app=app.name, port=BAD_PORT)})
        await refused("fails on the release's own commit", str(BAD_PORT))
        await refused("had failed before", str(BAD_PORT))
        app.pulse.write({"more.yaml": SERVICE.format(app=app.name, port=GOOD_PORT)})
        app.next()
        mended = (await app.release()).is_completed()
    return Section(
        title="An agent that does not apply",
        about="From the call of a release to its end; the app is built and tested before the "
        "commit that Flux fails on, and not in the other two.",
        rows=tuple(rows),
        promises={
            "each is said, in Flux' words": all(held),
            "nothing is committed while it is suspended, or had failed before": (
                rows[0]["Commits"] == 0 == rows[2]["Commits"]
            ),
            "once it is mended, the next release is healthy": mended,
        },
    )


async def _suspend(app: RolloutApp, *, suspend: bool) -> None:
    assert FLUX.interval is not None
    await tell_flux(app.pulse, app.cluster, FLUX.interval, suspend=suspend)
