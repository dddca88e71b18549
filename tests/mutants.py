"""Print what `mutmut run` found: how many changes to each module the tests notice.

A change that no test notices is explained in mutants.md; the command fails where one is not.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

PAGE = Path(__file__).with_suffix(".md")
# A change that makes the tests hang, or ends the interpreter, is noticed too.
NOTICED = {"killed", "timeout", "segfault"}


def mutmut(*arguments: str) -> list[str]:
    """The lines that a command of mutmut prints."""
    command = [Path(sys.executable).with_name("mutmut"), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")


def changed_lines(lines: Iterable[str]) -> list[str]:
    """The lines of a diff that were taken out and put in, without their indentation."""
    changed = (line for line in lines if line[:1] in {"-", "+"} and line[:3] not in {"---", "+++"})
    return [line[0] + line[1:].strip() for line in changed]


def report(statuses: dict[str, str]) -> None:
    """Print the share of mutants that are killed, by module."""
    modules: dict[str, list[bool]] = defaultdict(list)
    for name, status in statuses.items():
        module = name.rpartition(".")[0].replace(".", "/") + ".py"
        modules[module].append(status in NOTICED)
    total = [noticed for module in modules.values() for noticed in module]
    print(f"{'module':<32}  mutants  killed   share  survivors")
    for module, noticed in [*sorted(modules.items()), ("all", total)]:
        count, killed = len(noticed), sum(noticed)
        share = f"{killed / count:.1%}"
        print(f"{module:<32}  {count:7}  {killed:6}  {share:>6}  {count - killed:9}")


def main() -> None:
    """Print the table, and each survivor with what it changes."""
    results = (line.strip().rpartition(": ") for line in mutmut("results", "--all", "True"))
    statuses = {name: status for name, _, status in results if name}
    report(statuses)
    explained = set(changed_lines(PAGE.read_text("utf-8").splitlines()))
    open_ones = 0
    for name, status in sorted(statuses.items()):
        if status in NOTICED:
            continue
        changed = changed_lines(mutmut("show", name))
        is_explained = status == "survived" and set(changed) <= explained
        open_ones += not is_explained
        print(f"\n{name}: {status}, {'explained in' if is_explained else 'not in'} {PAGE.name}")
        print("\n".join(f"  {line}" for line in changed))
    if open_ones:
        sys.exit(f"\n{open_ones} of the survivors are not explained in {PAGE.name}")


if __name__ == "__main__":
    main()
