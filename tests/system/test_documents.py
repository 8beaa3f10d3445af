# SPDX-License-Identifier: MIT
"""What the documentation says is what the sources say."""

import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]


def rows_of(section):
    """The cells of a section's table, without its head."""
    text = (TOP / "docs/troubleshooting.md").read_text()
    body = text.split(f"## {section}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_every_refusal_is_explained_with_its_status():
    table = (TOP / "worker/refusal_table.h").read_text()
    refusals = re.findall(r"REFUSAL_ROW\(\s*REFUSAL_\w+,\s*(\d+),\s*\"(\w+)\"", table)
    told = [(status, code.strip("`"))
            for code, status, _ in rows_of("By the refusal that an application gets")]
    assert len(refusals) > 20 and sorted(told) == sorted(refusals)


def test_every_message_that_is_explained_is_one_of_a_program():
    sources = "".join(path.read_text() for folder in ("common", "master", "worker")
                      for path in (TOP / folder).glob("*.[ch]"))
    strings = re.sub(r'"\s*\n\s*"', "", sources)
    for message, _ in rows_of("By what the log says at the start"):
        assert message.strip("`") in strings, message
