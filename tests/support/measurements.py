"""What gates measured, in short."""

from __future__ import annotations

from shipway.gates.measurement import Measurement, Verdict

_VERDICTS: dict[str, Verdict] = {"p": "pass", "f": "fail", "i": "inconclusive"}


def measurements(letters: str) -> list[Measurement]:
    """One measurement a letter: p(ass), f(ail) or i(nconclusive), with the letter as its words."""
    return [Measurement(verdict=_VERDICTS[letter], words=letter) for letter in letters]
