"""Gitea's pull requests: its API has GitHub's requests and answers for them."""

from __future__ import annotations

from shipway.forges.github import open_request

__all__ = ["open_request"]
