"""What the cases of edits share."""

from __future__ import annotations

import re

from shipway.app_environment import AppEnvironment
from shipway.git.ops_folder import OpsFolder

_MARK = re.compile("«(?:([^|«»]*)\\|)?([^|«»]*)»", re.DOTALL)


def marked(text: str) -> tuple[bytes, bytes]:
    """A file before and after: `«old|new»` marks what is replaced, `«new»` what is added."""
    before = _MARK.sub(lambda mark: mark[1] or "", text)
    return before.encode(), _MARK.sub(lambda mark: mark[2], text).encode()


def folder(rollout: str, text: str, name: str = "all.yaml") -> OpsFolder:
    """An app's folder of two files."""
    files = {"rollout.yaml": rollout.encode(), name: text.encode()}
    app_environment = AppEnvironment(app="shop", environment="prod")
    return OpsFolder(app_environment=app_environment, commit="c" * 40, files=files)
