from __future__ import annotations

import pytest

from shipway.init.dockerfile import Stage, read_stages, shipped_stage

TWO = "FROM python AS test\nRUN pip install pytest\nFROM python AS runtime\n"


def only(text: str) -> Stage:
    """The one stage of a Dockerfile."""
    (stage,) = read_stages(text)
    return stage


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("FROM scratch", ["0"]),
        ("from python as Web\nfrom web", ["Web", "1"]),
        ("ARG BASE=python\nFROM --platform=linux/amd64 ${BASE} AS web", ["web"]),
        ("FROM python AS web\n# FROM x AS no\nRUN a \\\n  # FROM y AS no\n  && b", ["web"]),
        ("FROM python AS web\nRUN <<EOF\nFROM x AS no\nEOF\nFROM web AS test", ["web", "test"]),
    ],
)
def test_stages_are_read_as_docker_reads_them(text: str, names: list[str]) -> None:
    assert [stage.name for stage in read_stages(text)] == names


def test_a_stage_has_what_those_before_it_have() -> None:
    text = "ARG V=3\nFROM python:$V AS base\nEXPOSE 80\nFROM base AS web\nUSER 1000:1000\n"
    _, web = read_stages(text)
    assert (web.base, web.port, web.has_plain_user) == ("python:3", 80, True)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (TWO, "runtime"),
        ("FROM a AS build\nFROM b AS web\nFROM web AS test", "web"),
        ("FROM a AS production\nFROM b AS development", "production"),
        ("FROM a AS build\nFROM b", "1"),
        ("FROM a AS test", "test"),
    ],
)
def test_the_stage_that_ships(text: str, name: str) -> None:
    assert shipped_stage(read_stages(text)).name == name


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("EXPOSE 8080", 8080),
        ("EXPOSE 8080/tcp 9090", 8080),
        ("ENV PORT=3000\nEXPOSE $PORT", 3000),
        ("ARG PORT=3000\nEXPOSE ${PORT}", 3000),
        ("EXPOSE ${PORT:-3000}", 3000),
        ("EXPOSE $PORT", None),
        ("", None),
    ],
)
def test_the_port(line: str, port: int | None) -> None:
    assert only(f"FROM a\n{line}\n").port == port


@pytest.mark.parametrize(
    ("line", "plain"),
    [("USER 10001", True), ("USER 0", False), ("USER app", False), ("", False)],
)
def test_only_a_number_tells_kubernetes_who_is_not_root(line: str, plain: bool) -> None:
    assert only(f"FROM a\n{line}\n").has_plain_user == plain


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("HEALTHCHECK CMD curl -f http://localhost:8080/readyz || exit 1", "/readyz"),
        ("HEALTHCHECK CMD curl -f http://localhost:8080", None),
        ("HEALTHCHECK NONE", None),
        ("", None),
    ],
)
def test_the_path_that_is_probed(line: str, path: str | None) -> None:
    assert only(f"FROM a\n{line}\n").probed_path == path


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("COPY . .", True),
        ("COPY ./ /app", True),
        ("COPY app tests ./", True),
        ('COPY ["tests/", "/app/tests/"]', True),
        ("COPY app ./", False),
        ("COPY --from=build . .", False),
    ],
)
def test_whether_the_tests_are_in_a_stage(line: str, there: bool) -> None:
    assert only(f"FROM a\n{line}\n").copies("tests") == there
