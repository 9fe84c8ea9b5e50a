"""docs/calls.md says what the code does."""

import re
from pathlib import Path

from interactions.calls.facts import Kind
from interactions.calls.table import TABLE

PAGE = (Path(__file__).resolve().parents[3] / "docs/calls.md").read_text()


def test_the_documents_table_of_controls_is_the_table():
    written = {}
    for phase, cell in re.findall(r"^\| (\w+) \| (.*) \|$", PAGE.partition("## Facts")[0], re.MULTILINE)[1:]:
        moves, _, stays = cell.partition("stays: ")
        written[phase] = dict(re.findall(r"`(\w+)` → (\w+)", moves)) | dict.fromkeys(
            re.findall(r"`(\w+)`", stays), phase
        )
    assert written == {phase.value: {one.value: to.value for one, to in row.items()} for phase, row in TABLE.items()}


def test_the_document_names_every_kind_of_fact():
    rows = re.findall(r"^\| (`.*?`) \|", PAGE.partition("## Facts")[2], re.MULTILINE)
    assert {kind for row in rows for kind in re.findall(r"`(\w+)`", row)} == {kind.value for kind in Kind}
