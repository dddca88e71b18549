"""Every forge, by its name in the Forge block. A new one is one more file, and one line here."""

from __future__ import annotations

from shipway.forges import gitea, github, gitlab
from shipway.forges.api import ForgeApi

FORGES: dict[str, ForgeApi] = {
    "github": github,
    "gitlab": gitlab,
    "gitea": gitea,
}
