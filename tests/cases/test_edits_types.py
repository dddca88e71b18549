"""A text that some reader of YAML takes for another type is written in quotes.

Readers differ: YAML 1.1 has `y` and numbers in base 60, YAML 1.2 has 0o17, Go's yaml reads
0123489 as a float. Reported of kustomize (572, 1303, 4081, 5338), helm (1707, 9162),
argo-cd (4050).
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from shutil import which

import pytest
import yaml

from bench.gitops.shapes import DIGEST, REPOSITORY
from shipway.image_ref import ImageRef
from shipway.manifests import Value, set_field, set_image

FILE = "prod/shop/kustomization.yaml"
NUMBERS = (
    "0", "7", "0123489", "0777", "08", "0x1F", "0o17", "0b101", "1_000", "12345678901234567890",
    "1e3", "553640e6", "1E5", "12e4567", "1.10", "1.", "1.5e3", ".5", "+1", "1e+3", "0x1p4",
    "706798e8", "72044e011", "20230921.12345678", "4651090", "3.6",
    "0_x1F", "0b+1", "0o-1", "+_0xf",
)  # fmt: skip
DATES = ("2001-01-01", "12:30:45", "1:30", "2001-12-14t21:59:43.10Z", "20240101")
WORDS = (
    "y", "n", "Y", "no", "on", "off", "yes", "true", "FALSE", "null", "Null", "~", "NaN", ".nan",
    ".inf", "+.inf", "Infinity",
)  # fmt: skip
# What looks like them and is text to every reader: quotes would be a change that nobody asked for.
TEXTS = (
    "8f2c1ab",
    "v1",
    "latest",
    "main-12",
    "yesterday",
    "1.2.3-rc.1",
    "e3",
    "nobody",
    "sha-1e3",
    "_1a",
)
TAGS = [value for value in (*NUMBERS, *DATES, *WORDS, *TEXTS) if re.fullmatch(r"\w[\w.-]*", value)]


def set_tag(written: str, value: Value) -> str:
    return set_field(f"kind: A\ntag: {written}\n".encode(), "A", "/tag", value, FILE).decode()


@pytest.mark.parametrize("value", [*NUMBERS, *DATES, *WORDS])
@pytest.mark.parametrize(
    "before", ["kind: A\ntag: v1 # one\n", "{kind: A, tag: v1}\n", "kind: A\ntag: &t v1\n"]
)
def test_it_is_quoted(before: str, value: str) -> None:
    after = set_field(before.encode(), "A", "/tag", value, FILE).decode()
    assert after == before.replace("v1", f'"{value}"')
    assert yaml.safe_load(after) == {"kind": "A", "tag": value}


@pytest.mark.parametrize("value", TEXTS)
def test_other_text_is_not(value: str) -> None:
    assert set_tag("v1", value) == f"kind: A\ntag: {value}\n"


@pytest.mark.parametrize("value", ["1e3", "y", "0123489", "1_000", "2001-01-01"])
def test_one_that_stands_there_without_quotes_gets_them(value: str) -> None:
    assert set_tag(f"{value} # one", value) == f'kind: A\ntag: "{value}" # one\n'


@pytest.mark.parametrize("written", ["'1e3'", '"1e3"', "!!str 1e3", "|-\n  1e3", ">-\n  1e3"])
def test_one_that_is_text_already_stays(written: str) -> None:
    assert set_tag(written, "1e3") == f"kind: A\ntag: {written}\n"


def test_a_number_that_is_meant_as_one_gets_none() -> None:
    assert set_tag("1", 3) == "kind: A\ntag: 3\n"


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.skipif(which("kubectl") is None, reason="kustomize is the judge here")
def test_kustomize_reads_it(tag: str, tmp_path: Path) -> None:
    image = ImageRef(repository=REPOSITORY, tag=tag, digest=DIGEST)
    text = f"resources: [pod.yaml]\nimages:\n- name: {REPOSITORY}\n  newTag: v1\n  digest: d\n"
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
    after = set_image(text.encode(), "kustomize", REPOSITORY, image, FILE)
    (tmp_path / "kustomization.yaml").write_bytes(after)
    (tmp_path / "pod.yaml").write_text(f"{pod}  - image: {REPOSITORY}\n")
    done = subprocess.run(
        ["kubectl", "kustomize", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert f"image: {REPOSITORY}:{tag}@{DIGEST}" in done.stdout, done.stderr
