"""Broken YAML is called a template only where a template breaks it.

A template's braces elsewhere in the file, in a script or a comment, say nothing about the fault.
"""

from __future__ import annotations

import pytest

from bench.gitops.shapes import IMAGE
from shipway.errors import RefuseError
from shipway.manifests import set_image

FILE = "prod/shop/web.yaml"
GOOD = "containers:\n- name: web\n  image: shop:1\n"
TAB = "found character that cannot start any token"


def refusal(text: str) -> tuple[str | None, str | None]:
    with pytest.raises(RefuseError) as caught:
        set_image(text.encode(), "container", "web", IMAGE, FILE)
    assert caught.value.what == "Not valid YAML."
    return caught.value.facts["where"], caught.value.facts["got"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"a: |\n  echo ${{HOME}}\nb:\n\tc: 1\n{GOOD}", 4, id="a tab below a script"),
        pytest.param(f"a: |\n  echo ${{HOME}}\n\tc: 1\n{GOOD}", 3, id="a tab right below a script"),
        pytest.param(f"a: ${{HOME}}\n\tb: 1\n{GOOD}", 2, id="a tab below a variable"),
        pytest.param(f"{GOOD}a: 'x ${{B}}\n", 6, id="an open quote around a variable"),
        pytest.param(f"# {{{{ a comment }}}}\na: [1\n{GOOD}", 4, id="an open list below a comment"),
        pytest.param(f"a: '{{{{ .x }}}}'\nb: c: d\n{GOOD}", 2, id="two colons below a quoted one"),
        pytest.param(f"a: |\n  {{{{ if x }}}}\nb: @c\n{GOOD}", 3, id="a reserved sign"),
        pytest.param(f"{GOOD} b: 1\n# ${{A}} {{{{ b }}}}\n", 5, id="indentation above a comment"),
        # A ConfigMap with an alert's text, as Prometheus rules have them.
        pytest.param(
            f"data:\n  rule: 'on {{{{ $labels.pod }}}}'\n   more: 1\n{GOOD}", 3,
            id="indentation below an alert's text",
        ),
    ],
)  # fmt: skip
def test_the_parsers_own_words_are_told(text: str, line: int) -> None:
    where, got = refusal(text)
    assert got != "a template"
    assert where is not None
    assert abs(int(where.rpartition(":")[2]) - line) <= 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ if x }}\n" + GOOD, id="a line of its own first"),
        pytest.param(GOOD + "{{- if .Values.x }}\na: 1\n{{- end }}\n", id="a block"),
        pytest.param('{{ if eq .a "{b}" }}\n' + GOOD, id="braces in a string"),
        pytest.param("a: {{ .Values.a }}:{{ .Values.b }}\n" + GOOD, id="two in a value"),
        pytest.param("a: {{ .Release.Name }}-web\n" + GOOD, id="the begin of a value"),
        pytest.param('a: {{ "b" | quote }}\n' + GOOD, id="a pipe"),
        pytest.param("{{/* a comment\n  of lines */}}\n" + GOOD, id="a comment of lines"),
        pytest.param("{{ if x }}\n" + GOOD + "\tb: 1\n", id="first, and a tab below"),
        pytest.param("a: [${A}]\n" + GOOD, id="a variable in a list"),
        pytest.param("a: [{b: ${A:-x}}]\n" + GOOD, id="a variable with a default"),
        pytest.param("a: |\r\n  {{ x }}\r\n{{ if x }}\r\nb: 1\r\n" + GOOD, id="CRLF"),
    ],
)
def test_a_template_is_told(text: str) -> None:
    assert refusal(text)[1] == "a template"


def test_the_tab_is_named() -> None:
    assert refusal(f"a: |\n  echo ${{HOME}}\nb:\n\tc: 1\n{GOOD}") == (f"{FILE}:4", TAB)
