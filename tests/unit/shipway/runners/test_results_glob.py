from __future__ import annotations

import subprocess

import pytest

from shipway.runners.results_glob import ANY_DEPTH, ResultsGlob, results_glob


@pytest.mark.parametrize(
    ("glob", "root", "folder", "depth"),
    [
        ("junit.xml", ".", ".", 1),
        ("*.xml", ".", ".", 1),
        ("a/b/c.xml", ".", "./a/b", 1),
        ("a/b*/c.xml", ".", "./a", 2),
        ("a/**/c.xml", ".", "./a", ANY_DEPTH),
        ("**/a/*.xml", ".", ".", ANY_DEPTH),
        ("a//./b/c.xml", ".", "./a/b", 1),
        ("/shipway/junit.xml", "/shipway", "/shipway", 1),
        ("/tmp/[[]x]/junit.xml", "/tmp", "/tmp", 2),
        ("/junit.xml", "/", "/", 1),
    ],
)
def test_the_search_begins_as_deep_as_it_can(glob: str, root: str, folder: str, depth: int) -> None:
    assert results_glob(glob) == ResultsGlob(root, folder, depth, results_glob(glob).expression)


@pytest.mark.parametrize(
    ("glob", "matches", "others"),
    [
        ("a.xml", ["./a.xml"], ["./axxml", "./b/a.xml", "./a.xml.old", "a.xml"]),
        ("*.xml", ["./.xml", "./a b.xml"], ["./a/b.xml"]),
        ("a/?.xml", ["./a/b.xml"], ["./a/.xml", "./a/bc.xml", "./a//.xml"]),
        ("**/a.xml", ["./a.xml", "./b/c/a.xml"], ["./ba.xml", "./b/a.xml/c"]),
        ("a/**/b/*", ["./a/b/c", "./a/x/y/b/c"], ["./a/b", "./a/xb/c", "./ab/c"]),
        ("a/**", ["./a/b", "./a/b/c"], ["./ab"]),
        ("a**b", ["./ab", "./axb"], ["./a/b"]),
        ("[ab].x", ["./a.x", "./b.x"], ["./c.x", "./ab.x"]),
        ("[!ab]x", ["./cx"], ["./ax", "./x"]),
        ("a[!b]c", ["./axc"], ["./abc", "./a/c"]),
        ("[]]x", ["./]x"], ["./x"]),
        ("[!]a]x", ["./bx"], ["./]x", "./ax"]),
        ("[!a-c-]x", ["./dx"], ["./bx", "./-x", "./.x/x"]),
        ("[[]x[*][?]", ["./[x*?"], ["./xx"]),
        ("a[b", ["./a[b"], ["./ab"]),
        ("a]b", ["./a]b"], ["./ab"]),
        ("(a|b)+{c,d}^$\\", ["./(a|b)+{c,d}^$\\"], ["./a", "./b"]),
        ("/t/a.xml", ["/t/a.xml"], ["./t/a.xml"]),
    ],
)
def test_what_matches(glob: str, matches: list[str], others: list[str]) -> None:
    lines = "\n".join([*matches, *others]) + "\n"
    expression = f"^{results_glob(glob).expression}$"
    grep = ["grep", "-E", "-e", expression]
    found = subprocess.run(grep, input=lines, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == matches
    assert found.stderr == ""
