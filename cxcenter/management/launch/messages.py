"""Compiles the gettext catalogs without gettext: a bare machine has no msgfmt.

`python -m cxcenter.management.launch.messages` compiles what has changed (image builds, `make messages`).
"""

import os
from pathlib import Path

import polib

LOCALE = Path(__file__).resolve().parents[3] / "locale"


def compile_catalogs(folder: Path = LOCALE) -> list[Path]:
    """Write a .mo beside every .po that has none or an older one; return what was written."""
    written = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        # Renamed when whole: another process may be reading the old one.
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        polib.pofile(str(source)).save_as_mofile(str(unfinished))
        unfinished.replace(target)
        written.append(target)
    return written


if __name__ == "__main__":
    compile_catalogs()
