"""What a peer's shell script finds in its environment: Git's login and identity, and yq."""

from __future__ import annotations

from collections.abc import Mapping

from bench.common import yq
from examples import repositories


def script_env(env: Mapping[str, str]) -> dict[str, str]:
    """An environment in which `git` gets into the sandbox's server, and `$YQ` edits."""
    parts = [f"{role}_{part}" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")]
    identity = {f"GIT_{part}": "script@localhost" for part in parts}
    return {**env, **repositories.git_login(env), **identity, "YQ": str(yq.ensure_yq())}
