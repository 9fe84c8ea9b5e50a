"""Reading a page of the reports as a person does: lines of the table, numbers and where they lead."""

import csv
import io
import re
from dataclasses import dataclass
from html import unescape

CELL = re.compile(r"<(t[hd])([^>]*)>(.*?)</\1>", re.DOTALL)
TAGS = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Cell:
    """A number and its link ("": none)."""

    text: str
    href: str


def plain(html: str) -> str:
    return " ".join(unescape(TAGS.sub("", html)).split())


def table(html: str) -> tuple[list[str], list[list[Cell]]]:
    """The heads of the report's table, and its lines, the totals last."""
    part = html.split("cx-reptable", 1)[1].split("</table>", 1)[0]
    rows = []
    for row in re.findall(r"<tr>(.*?)</tr>", part, re.DOTALL):
        cells = [(body, re.search(r'href="([^"]+)"', body)) for _tag, _attrs, body in CELL.findall(row)]
        rows.append([Cell(plain(body), unescape(found[1]) if found else "") for body, found in cells])
    return [cell.text for cell in rows[0]], rows[1:]


def sheet(content: bytes) -> list[list[str]]:
    """The rows of a file."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def listed(client, href: str) -> list[str]:
    """The links (or locks) of all contacts behind a number, page by page."""
    found: list[str] = []
    address = href
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.content[:300])
        html = answer.content.decode()
        body = html.partition("<tbody>")[2].partition("</tbody>")[0]
        found += [row for row in body.split("<tr>") if row.strip()]
        further = re.search(r'cx-pager"><a class="btn btn-plain" href="([^"]+)"', html)
        address = "/reports/contacts/" + unescape(further[1]) if further else ""
    return found
