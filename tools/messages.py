"""The gettext catalogs: `update` gathers texts and compiles, `check` finds what is missing or wrong."""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cxcenter.management.launch.messages import compile_catalogs  # noqa: E402 — after the path

LANGUAGES = ("en", "ru")
NOT_OURS = (".venv", "var", "vendor", "tests", "docs", "tools")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def gather(root: Path) -> None:
    """Run Django's makemessages in a tree; English texts translate to themselves."""
    options = [f"--locale={language}" for language in LANGUAGES]
    options += [f"--ignore={name}" for name in NOT_OURS]
    options += ["--no-obsolete", "--add-location=file", "--verbosity=0"]
    subprocess.run([sys.executable, "manage.py", "makemessages", *options], cwd=root, check=True)
    for path in (root / "locale/en").rglob("*.po"):
        catalog = polib.pofile(str(path), wrapwidth=78)
        for entry in catalog:
            if entry.msgid_plural:
                entry.msgstr_plural = {0: entry.msgid, 1: entry.msgid_plural}
            else:
                entry.msgstr = entry.msgid
            entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]
        catalog.save()


def faults(path: Path) -> list[str]:
    """Return what is wrong in a catalog: nothing said, said long ago, or said with other placeholders."""
    found = []
    for entry in polib.pofile(str(path)):
        said = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        if "fuzzy" in entry.flags:
            found.append(f"fuzzy: {entry.msgid!r}")
        elif not all(said):
            found.append(f"not translated: {entry.msgid!r}")
        else:
            # The singular of a language may say "one" in words.
            known = set(PLACEHOLDER.findall(entry.msgid + entry.msgid_plural))
            needed = set() if entry.msgid_plural else known
            if any(not needed <= set(PLACEHOLDER.findall(text)) <= known for text in said):
                found.append(f"other placeholders: {entry.msgid!r}")
    return found


def keys(path: Path) -> set[tuple[str, str]]:
    """Return what identifies the texts of a catalog."""
    return {(entry.msgctxt or "", entry.msgid) for entry in polib.pofile(str(path)) if not entry.obsolete}


def check() -> list[str]:
    """Return all faults, those against the texts in the code included."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", "node_modules", "demo_shop", "__pycache__", *NOT_OURS)
        shutil.copytree(ROOT, copy, ignore=ignored)
        (copy / "tools").mkdir()
        gather(copy)
        found = []
        for fresh in sorted((copy / "locale").rglob("*.po")):
            name = fresh.relative_to(copy)
            ours = ROOT / name
            if not ours.exists():
                found.append(f"{name}: missing")
                continue
            found += [f"{name}: not gathered: {text!r}" for _, text in sorted(keys(fresh) - keys(ours))]
            found += [f"{name}: nowhere in the code: {text!r}" for _, text in sorted(keys(ours) - keys(fresh))]
            found += [f"{name}: {fault}" for fault in faults(ours)]
    return found


def main() -> None:
    """Update or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("act", choices=("update", "check"))
    if parser.parse_args().act == "update":
        gather(ROOT)
        compile_catalogs()
        return
    found = check()
    print(*found, sep="\n", end="\n" if found else "")
    if found:
        sys.exit(f"cxcenter: {len(found)} faults in the catalogs: run `make messages`, then translate")


if __name__ == "__main__":
    main()
