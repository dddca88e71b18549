"""Gitea: its API has GitHub's requests and answers for pull requests and commit statuses."""

from __future__ import annotations

from shipway.forges.github import open_request, set_status

__all__ = ["open_request", "set_status"]
