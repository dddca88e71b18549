from __future__ import annotations

import pytest

from shipway.dockerfile import line_of_failure

DOCKERFILE = """\
FROM base AS first
RUN apt-get update && \\
    apt-get install thing
COPY app.py  .
RUN same
FROM first
RUN same
"""


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (["ERROR: process did not complete", "Dockerfile:4", "----"], 4),
        (["failed to create LLB definition: dockerfile parse error line 3: unknown"], 3),
        (["dockerfile parse error on line 3: unknown instruction: CPOY"], 3),
        ([" > [first 2/4] RUN apt-get update &&     apt-get install thing:"], 2),
        ([" > [first 3/4] COPY app.py  .:"], 4),
        ([" > [first 4/4] RUN same:"], None),
        ([" > [first 3/4] COPY $FILE .:"], None),
        (["target stage product could not be found"], None),
        ([], None),
    ],
)
def test_the_line_is_told_where_docker_tells_it_or_only_one_can_be_meant(
    said: list[str], line: int | None
) -> None:
    assert line_of_failure(DOCKERFILE, said) == line
