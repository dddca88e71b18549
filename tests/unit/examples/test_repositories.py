from __future__ import annotations

from pathlib import Path

from git import Repo

from examples import repositories


def test_the_shop_joins_an_ops_repository_that_has_another_app(tmp_path: Path) -> None:
    env = {
        "SHIPWAY_STATE": str(tmp_path),
        "SHIPWAY_GIT_ROOT": str(tmp_path / "git"),
        "SHIPWAY_GIT_URL": str(tmp_path / "git"),
        "SHIPWAY_GIT_USERNAME": "ada",
        "SHIPWAY_GIT_PASSWORD": "none",
        "SHIPWAY_PYTHON_IMAGE": "python",
        "SHIPWAY_POSTGRES_IMAGE": "postgres",
    }
    Repo.init(tmp_path / "git" / "ops.git", bare=True, initial_branch="main", mkdir=True)
    hello = repositories.clone("ops", tmp_path / "hello", env)
    repositories.commit(hello, "hello", {"staging/hello/rollout.yaml": "strategy: rolling\n"})
    for _ in ("first", "again"):
        _, ops = repositories.shop(env)
        folder = Path(ops.working_dir, "staging")
        assert {each.name for each in folder.iterdir()} == {"hello", "shop"}
        assert len(list(ops.iter_commits())) == 2
