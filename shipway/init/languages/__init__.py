"""The languages that `shipway init` knows. A new one is one more file, and one more line here."""

from __future__ import annotations

from shipway.init.languages.go import Go
from shipway.init.languages.language import Language
from shipway.init.languages.node import Node
from shipway.init.languages.python import Python

# In the order they are looked for: Python apps have Node's files beside them for their pages.
LANGUAGES: tuple[type[Language], ...] = (Go, Python, Node)
