"""What changed of a repository's services is found on the real Git server."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.tasks.release_services.find_changed import find_changed
from flows.tasks.release_services.read_services import read_services
from shipway.errors import RefuseError
from tests.support.monorepo import MONEY, monorepo


async def test_a_service_changed_if_its_folder_or_what_it_uses_differs(
    sandbox: dict[str, str], ops_server: None, tmp_path: Path
) -> None:
    needs = {"a": "", "b": "a", "c": "b", "d": "", "e": ""}
    async with monorepo(sandbox, tmp_path, needs, money=("b",)) as made:
        first = made.code.head.commit.hexsha
        made.change({"README.md": "Others.\n"})
        commit = made.change({MONEY: "2\n", "services/c/value": "2\n"})
        made.ops.git.rm("-r", f"staging/{made.app('d')}")
        made.write_ops({f"staging/{made.app('e')}/rollout.yaml": "strategy: none\n"})

        found = await read_services(made.app("a"), None)
        assert found.revision.commit == commit
        assert found.needs[made.app("c")] == {made.app("a"), made.app("b")}
        choices = await find_changed(made.app("a"), found, "staging")
        why = {name: choices[made.app(name)] for name in needs}
        assert {name: choice.what for name, choice in why.items()} == {
            "a": "unchanged",
            "b": "changed",
            "c": "changed",
            "d": "left out",
            "e": "changed",
        }
        assert why["b"].why == f"libs/money since {first[:7]}"
        assert why["c"].why == f"services/c since {first[:7]}"

        # A revision that has no such folder yet, or no more.
        made.code.git.rm("-r", "services/c")
        commit = made.change({})
        found = await read_services(made.app("a"), commit)
        assert (found.gone, made.app("c") in found.needs) == ((made.app("c"),), False)
        choices = await find_changed(made.app("a"), found, "staging")
        assert choices[made.app("c")].why == f"{commit[:7]} has no folder of it"
        with pytest.raises(RefuseError, match="'nowhere' has none of these services"):
            await find_changed(made.app("a"), found, "nowhere")

        pipeline = str(made.code.git.show("HEAD:services/a/pipeline.yaml")) + "\n"
        circle = pipeline.replace("needs: []", f"needs: [{made.app('b')}]")
        made.change({"services/a/pipeline.yaml": circle})
        with pytest.raises(RefuseError, match="need each other in a circle"):
            await read_services(made.app("a"), None)
