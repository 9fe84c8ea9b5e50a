"""Vendored files, icons and licences: what stands in the tree is what was pinned, and may be shipped."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static/vendor"
# {% icon "phone" %} in templates, icon("phone") in scripts, icons.svg#phone anywhere.
ICON = re.compile(r"""\{% icon ['"]([\w-]+)['"]|\bicon\(['"]([\w-]+)['"]|icons\.svg[^#\n]{0,20}#([a-z][\w-]*)""")


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


vendor, licences = load("vendor"), load("licences")


def symbols() -> set[str]:
    root = ET.parse(VENDOR / "icons.svg").getroot()
    return {symbol.get("id", "") for symbol in root}


def test_every_vendored_file_is_pinned_and_has_its_licence() -> None:
    expected = {VENDOR / "README.md", VENDOR / "icons.svg"}
    for library in vendor.LIBRARIES:
        folder = VENDOR / library.folder
        expected |= {folder / "LICENSE", *(folder / name for name in library.files.values())}
        expected |= {folder / library.bundle[1]} if library.bundle else set()
    assert {path for path in VENDOR.rglob("*") if path.is_file()} == expected


def test_the_lock_names_packages_versions_and_checksums_and_no_addresses() -> None:
    text = vendor.LOCK.read_text()
    assert "://" not in text
    lock = json.loads(text)
    assert set(lock) == {library.package for library in vendor.LIBRARIES}
    bundled = {library.package for library in vendor.LIBRARIES if library.bundle}
    for name, pin in lock.items():
        assert set(pin) == {"version", "integrity", "bundle"} - ({"bundle"} if name not in bundled else set())
        assert re.fullmatch(r"\d+\.\d+\.\d+", pin["version"])
        assert all(re.fullmatch(r"sha512-[\w+/]{86}==", pin[kind]) for kind in set(pin) - {"version"})


def test_a_bundle_is_the_one_that_was_pinned() -> None:
    lock = json.loads(vendor.LOCK.read_text())
    for library in vendor.LIBRARIES:
        if library.bundle:
            made = (VENDOR / library.folder / library.bundle[1]).read_bytes()
            assert vendor.integrity(made) == lock[library.package]["bundle"]


def test_the_table_tells_the_pinned_versions() -> None:
    lock = json.loads(vendor.LOCK.read_text())
    table = {row[0]: row[1] for row in licences.rows((VENDOR / "README.md").read_text())}
    assert table == {name: pin["version"] for name, pin in lock.items()}


def test_no_vendored_file_asks_for_a_source_map_or_another_site() -> None:
    for path in VENDOR.rglob("*.*s"):
        text = path.read_text()
        assert "sourceMappingURL" not in text, path
        assert not re.search(r"url\(['\"]?(https?:)?//", text), path


def test_a_source_map_is_taken_out_and_nothing_else() -> None:
    assert vendor.SOURCE_MAP.sub(b"\n", b"a{}\n/*# sourceMappingURL=a.css.map */") == b"a{}\n"
    assert vendor.SOURCE_MAP.sub(b"\n", b"x()\n//# sourceMappingURL=x.js.map\n") == b"x()\n"
    assert vendor.SOURCE_MAP.sub(b"\n", b"x('//# sourceMappingURL=') + y\n") == b"x('//# sourceMappingURL=') + y\n"


def test_the_sprite_holds_the_listed_icons() -> None:
    assert symbols() == set(vendor.icon_names())


def test_every_icon_in_use_is_in_the_sprite() -> None:
    places = [path for path in ROOT.rglob("*.html") if not {".venv", "var"} & set(path.parts)]
    places += (ROOT / "static/cx").rglob("*.js")
    used = {name: path for path in places for found in ICON.findall(path.read_text()) for name in found if name}
    assert used
    assert {name: str(path) for name, path in used.items() if name not in symbols()} == {}


def test_a_symbol_keeps_shapes_and_drops_the_empty_square() -> None:
    made = vendor.symbol(
        "dot",
        b'<svg xmlns="http://www.w3.org/2000/svg" fill="none"><path stroke="none" d="M0 0h24v24H0z" fill="none"/>'
        b'<path d="M1 1h2"/></svg>',
    )
    assert made.startswith('<symbol id="dot" viewBox="0 0 24 24" fill="none" stroke="currentColor"')
    assert made.endswith('><path d="M1 1h2"/></symbol>')


def test_all_licences_are_listed_and_may_be_shipped() -> None:
    assert licences.faults() == []


@pytest.mark.parametrize(
    ("package", "words", "forbidden"),
    [
        ("thing", "GPL-3.0-or-later", True),
        ("thing", "AGPL-3.0", True),
        ("thing", "GNU Lesser General Public License v3 (LGPLv3)", True),
        ("thing", "LGPL with exceptions", True),
        ("thing", "unknown", True),
        ("thing", "MIT OR Apache-2.0", False),
        ("thing", "MPL-2.0", False),
        ("psycopg2-binary", "LGPL with exceptions", False),
        ("psycopg2-binary", "GPL-3.0", True),
    ],
)
def test_what_may_not_be_shipped(package: str, words: str, forbidden: bool) -> None:
    assert licences.is_forbidden(package, words) is forbidden


def test_a_package_that_is_not_listed_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "licences.md"
    table.write_text(re.sub(r"(?m)^\| django \|.*\n", "", licences.TABLE.read_text()) + "| ghost | MIT |\n")
    monkeypatch.setattr(licences, "TABLE", table)
    assert licences.faults() == [
        "django is not in docs/licences.md",
        "ghost is in docs/licences.md and nowhere else",
    ]


# --- What the system lacks is said in one line -----------------------------------------------------

PYTHONS = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
OLD = """[ "$1" = --version ] && echo Python 3.9.2"""
WITHOUT_VENV = """case "$2" in *venv*) exit 1;; esac"""
# It makes a .venv in which nothing can be installed.
WITHOUT_PACKAGES = """
case "$2" in venv) mkdir -p .venv/bin; cp "$0" .venv/bin/python; exit 0;; pip) exit 1;; esac
"""


def run_tool(name: str, folder: Path, stubs: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of a tool in an empty folder, with these commands in place of the system's."""
    tool = folder / "tools" / name
    commands = folder / "bin"
    for made in (tool.parent, commands):
        made.mkdir()
    shutil.copy(ROOT / "tools" / name, tool)
    # Of the system's own commands those alone that the tools are made of.
    for own in ("sh", "dirname", "mkdir", "cp", "cmp"):
        (commands / own).symlink_to(str(shutil.which(own)))
    for stub, script in stubs.items():
        (commands / stub).write_text(f"#!/bin/sh\n{script}\n")
        (commands / stub).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", str(tool), *arguments], env={"PATH": str(commands)}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("python", "said"),
    [
        (OLD, "Python 3.11 or newer is needed, and Python 3.9.2 was found: set PYTHON to its path"),
        (
            WITHOUT_VENV,
            "the module venv of Python is missing: install it (Debian, Ubuntu: apt-get install python3-venv)",
        ),
        (WITHOUT_PACKAGES, "the packages of list.txt cannot be installed; the reason stands above"),
    ],
    ids=["old", "no venv", "no packages"],
)
def test_what_hinders_the_installation_is_said_in_one_line(tmp_path: Path, python: str, said: str) -> None:
    (tmp_path / "list.txt").write_text("thing==1")
    done = run_tool("install.sh", tmp_path, dict.fromkeys(PYTHONS, python), "list.txt")
    assert (done.returncode, done.stderr) == (1, f"cxcenter: {said}\n")


def test_no_python_at_all(tmp_path: Path) -> None:
    done = run_tool("install.sh", tmp_path, {}, "list.txt")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "and no Python was found" in done.stderr


def test_what_tests_need_is_said_in_one_line(tmp_path: Path) -> None:
    done = run_tool("need.sh", tmp_path, {"id": "echo 1000"})
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "sudo apt-get install chromium gettext" in done.stderr
