"""Refresh static/vendor from the npm packages pinned in vendor.lock.json.

`python tools/vendor.py` fetches the pinned versions, refuses a package whose sha512 differs from the lock, and
writes the files, the icon sprite and the table in static/vendor/README.md. A library that comes as many modules is made one
file by esbuild; that file is pinned too.
To move to another version, edit it in the lock and run `python tools/vendor.py --relock` once: it records the new sha512.
"""

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

TOOLS = Path(__file__).resolve().parent
VENDOR = TOOLS.parent / "static" / "vendor"
LOCK = TOOLS / "vendor.lock.json"
ICONS = TOOLS / "icons.txt"
ESBUILD = "0.27.2"
SVG = "{http://www.w3.org/2000/svg}"
# Source maps are not shipped, and collectstatic fails on a map that is named but absent.
SOURCE_MAP = re.compile(rb"\n?(?:/\*|//)# sourceMappingURL=\S+(?: ?\*/)?\s*$")


@dataclass(frozen=True)
class Library:
    """One npm package: where its files go below static/vendor, and which it gives (source → file name).

    `bundle` is made one ES module with all that it needs of the other packages here (source, file name).
    """

    package: str
    folder: str
    used: str
    files: dict[str, str] = field(default_factory=dict)
    bundle: tuple[str, str] | None = None


LIBRARIES = [
    Library(
        "@tabler/core",
        "tabler",
        "base styles of every staff screen (its script is not used)",
        # The package has no licence file: tabler/LICENSE is kept by hand.
        {"dist/css/tabler.min.css": "tabler.min.css"},
    ),
    Library("@tabler/icons", "icons", "icons.svg, the names are in tools/icons.txt", {"LICENSE": "LICENSE"}),
    Library(
        "@fontsource-variable/inter",
        "inter",
        "the typeface of every screen, Latin and Cyrillic",
        {
            "files/inter-latin-wght-normal.woff2": "inter-latin-wght-normal.woff2",
            "files/inter-cyrillic-wght-normal.woff2": "inter-cyrillic-wght-normal.woff2",
            "LICENSE": "LICENSE",
        },
    ),
    Library(
        "htmx.org",
        "htmx",
        "parts of staff screens (version 2 is pinned: 4 is another product)",
        {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "LICENSE"},
    ),
    Library(
        "idiomorph",
        "idiomorph",
        "htmx swaps that keep focus and scroll",
        {"dist/idiomorph-ext.min.js": "idiomorph-ext.min.js", "LICENSE": "LICENSE"},
    ),
    Library(
        "echarts",
        "echarts",
        "charts of the board (the build with lines, bars and pies only)",
        {
            "dist/echarts.simple.min.js": "echarts.simple.min.js",
            "LICENSE": "LICENSE",
            "NOTICE": "NOTICE",
            "licenses/LICENSE-d3": "LICENSE-d3",
        },
    ),
    Library("debug", "jssip", "in the bundle of jssip", {"LICENSE": "LICENSE-debug"}),
    Library("ms", "jssip", "in the bundle of jssip", {"license.md": "LICENSE-ms"}),
    Library("events", "jssip", "in the bundle of jssip", {"LICENSE": "LICENSE-events"}),
    Library("sdp-transform", "jssip", "in the bundle of jssip", {"LICENSE": "LICENSE-sdp-transform"}),
    # After what its bundle needs.
    Library(
        "jssip",
        "jssip",
        "the operator's SIP line",
        {"LICENSE.md": "LICENSE"},
        bundle=("lib/JsSIP.js", "jssip.min.js"),
    ),
]


def fetch(package: str, version: str, folder: Path) -> Path:
    """Bring one package archive into `folder` by the npm client and return its path."""
    command = ["npm", "pack", "--json", "--loglevel=error", "--pack-destination", str(folder), f"{package}@{version}"]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return folder / str(answer[0]["filename"])


def integrity(content: bytes) -> str:
    """Return a checksum in npm's notation, sha512-BASE64."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def check(pin: dict[str, str], kind: str, content: bytes, *, what: str, relock: bool) -> None:
    """End the run if something is not what the lock names."""
    found = integrity(content)
    if relock:
        pin[kind] = found
    if found != pin[kind]:
        sys.exit(f"{what} is not what the lock names: {found}")


def read(archive: tarfile.TarFile, name: str) -> bytes:
    """Return one file of a package; a name that it lacks is a KeyError."""
    member = archive.extractfile(f"package/{name}")
    if member is None:
        raise KeyError(name)
    return member.read()


def write_files(library: Library, archive: tarfile.TarFile) -> None:
    """Write the chosen files of a package into its folder, without references to source maps."""
    folder = VENDOR / library.folder
    folder.mkdir(parents=True, exist_ok=True)
    for source, name in library.files.items():
        (folder / name).write_bytes(SOURCE_MAP.sub(b"\n", read(archive, source)))


def bundle(library: Library, source: str, modules: Path) -> bytes:
    """Return a package made one ES module by esbuild; `modules` holds the packages that it needs."""
    command = ["npx", "--yes", f"esbuild@{ESBUILD}", str(modules / library.package / source)]
    options = ["--bundle", "--format=esm", "--platform=browser", "--target=es2022", "--minify", "--legal-comments=none"]
    return subprocess.run([*command, *options], check=True, capture_output=True).stdout


def unpack(archive: tarfile.TarFile, place: Path) -> None:
    """Unpack a package where the bundler looks for it."""
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        archive.extractall(folder, filter="data")
        (Path(folder) / "package").rename(place)


def icon_names() -> list[str]:
    """Return the icon names of tools/icons.txt, sorted; lines that start with # are remarks."""
    lines = ICONS.read_text().splitlines()
    return sorted({name for line in lines if not line.startswith("#") for name in line.split()})


def symbol(name: str, svg: bytes) -> str:
    """Turn one Tabler icon into a <symbol>; outline icons get our stroke, filled ones keep their fill."""
    root = ET.fromstring(svg)
    paint = (
        'fill="currentColor"'
        if root.get("fill") == "currentColor"
        else 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"'
    )
    shapes = []
    for shape in root:
        if shape.get("d") == "M0 0h24v24H0z":
            continue  # the invisible square that Tabler draws behind each icon
        attributes = "".join(f' {key}="{value}"' for key, value in shape.items())
        shapes.append(f"<{shape.tag.removeprefix(SVG)}{attributes}/>")
    return f'<symbol id="{name}" viewBox="0 0 24 24" {paint}>{"".join(shapes)}</symbol>'


def write_sprite(archive: tarfile.TarFile) -> None:
    """Write static/vendor/icons.svg with one symbol per listed name; NAME-filled takes the filled drawing."""
    symbols = []
    for name in icon_names():
        filled = name.endswith("-filled")
        source = f"icons/filled/{name.removesuffix('-filled')}.svg" if filled else f"icons/outline/{name}.svg"
        try:
            symbols.append(symbol(name, read(archive, source)))
        except KeyError:
            sys.exit(f"tools/icons.txt names {name}, which Tabler Icons does not have")
    sprite = "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', *symbols, "</svg>\n"])
    (VENDOR / "icons.svg").write_text(sprite)


def write_table(rows: list[tuple[str, str, str, str]]) -> None:
    """Write static/vendor/README.md: name, version, licence, use."""
    lines = [
        "# Vendored front-end files",
        "",
        "Written by `make vendor` (tools/vendor.py) from the versions in tools/vendor.lock.json. Do not edit by hand.",
        "Each folder holds the licence of what is in it.",
        "",
        "| name | version | licence | where used |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]
    (VENDOR / "README.md").write_text("\n".join(lines))


def refresh(relock: bool) -> None:
    """Fetch, check and write everything; a checksum that differs ends the run before its package is opened."""
    lock = json.loads(LOCK.read_text())
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        modules = Path(folder) / "node_modules"
        modules.mkdir()
        bundled = {library.folder for library in LIBRARIES if library.bundle}
        for library in LIBRARIES:
            pin = lock[library.package]
            path = fetch(library.package, pin["version"], Path(folder))
            what = f"{library.package} {pin['version']}"
            check(pin, "integrity", path.read_bytes(), what=what, relock=relock)
            with tarfile.open(path) as archive:
                write_files(library, archive)
                if library.folder in bundled:
                    unpack(archive, modules / library.package)
                if library.package == "@tabler/icons":
                    write_sprite(archive)
                if library.bundle:
                    source, name = library.bundle
                    made = bundle(library, source, modules)
                    check(pin, "bundle", made, what=f"the bundle of {what}", relock=relock)
                    (VENDOR / library.folder / name).write_bytes(made)
                licence = json.loads(read(archive, "package.json"))["license"]
            rows.append((library.package, pin["version"], licence, library.used))
    write_table(rows)
    if relock:
        entries = [f"  {json.dumps(name)}: {json.dumps(pin)}" for name, pin in sorted(lock.items())]
        LOCK.write_text("{\n" + ",\n".join(entries) + "\n}\n")


def main() -> None:
    """Read the command line and refresh."""
    parser = argparse.ArgumentParser(description="Refresh static/vendor from the pinned npm packages.")
    parser.add_argument("--relock", action="store_true", help="record the checksums of the versions in the lock")
    refresh(parser.parse_args().relock)


if __name__ == "__main__":
    main()
