"""The stylesheets: tokens are defined, files are found, and every text can be read in both themes."""

import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "static/cx"
SHEETS = sorted(ROOT.rglob("*.css"))
ENOUGH = 4.5
HEX = re.compile(r"(--[\w-]+): (#[0-9a-f]{3,6});")


def tokens(path: str, theme: str) -> dict[str, str]:
    """Return the colours of a theme: those of the dark one lie over those of the light one."""
    text = (ROOT / path).read_text()
    blocks = re.findall(r"([^{}]*)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    found: dict[str, str] = {}
    for selector, body in blocks:
        if ":root" in selector or f'="{theme}"' in selector:
            found |= dict(HEX.findall(body))
    assert found
    return found


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TEXTS = ("text", "text-2", "text-3")
GROUNDS = ("bg", "surface", "surface-2", "surface-3", "log", "in", "bot")
PAIRS = [
    *itertools.product(TEXTS, GROUNDS),
    *itertools.product(("text", "text-2"), ("out", "accent-soft", "note-soft")),
    *itertools.product(("ok", "warn", "bad", "info", "accent"), ("surface", "surface-2")),
    *((name, f"{name}-soft") for name in ("ok", "warn", "bad", "info", "note")),
    *(("text", f"{name}-soft") for name in ("ok", "warn", "bad", "info")),
    ("accent-strong", "accent-soft"),
    ("accent-strong", "out"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("chrome-text", "chrome"),
    ("chrome-text-2", "chrome"),
    ("chrome-text-2", "chrome-2"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_staff_texts_can_be_read(theme: str, text: str, ground: str) -> None:
    colours = tokens("css/tokens.css", theme)
    assert contrast(colours[f"--cx-{text}"], colours[f"--cx-{ground}"]) >= ENOUGH


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("fill", ["go", "go-strong", "stop", "stop-strong"])
def test_white_can_be_read_on_fills(theme: str, fill: str) -> None:
    assert contrast("#fff", tokens("css/tokens.css", theme)[f"--cx-{fill}"]) >= ENOUGH


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *itertools.product(TEXTS, ("surface", "surface-2", "surface-3")),
        *itertools.product(("link", "bad", "ok"), ("surface",)),
        ("text", "warn-soft"),
        ("bad", "bad-soft"),
    ],
)
def test_visitors_texts_can_be_read(theme: str, text: str, ground: str) -> None:
    colours = tokens("css/widget-base.css", theme)
    assert contrast(colours[f"--{text}"], colours[f"--{ground}"]) >= ENOUGH


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_edges_of_the_visitors_fields_can_be_seen(theme: str) -> None:
    colours = tokens("css/widget-base.css", theme)
    assert contrast(colours["--edge"], colours["--surface"]) >= 3


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_a_sheet_names_only_what_exists(path: Path) -> None:
    text = path.read_text()
    for address in re.findall(r"url\(\"([^\"]+)\"\)", text):
        # A drawing may stand in the sheet itself.
        assert address.startswith("data:image/svg+xml") or (path.parent / address).is_file(), address
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("sheet", ["cx.css", "widget.css"])
def test_every_token_in_use_is_defined(sheet: str) -> None:
    paths = [ROOT / name for name in re.findall(r"url\(\"([^\"]+)\"\)", (ROOT / sheet).read_text())]
    text = "".join(path.read_text() for path in paths)
    defined = set(re.findall(r"(--[\w-]+):", text))
    # With a fallback behind a comma it may be set elsewhere, by a style attribute.
    used = set(re.findall(r"var\((--[\w-]+)\)", text))
    assert used
    assert used - defined == set()


def test_every_sheet_is_imported_once() -> None:
    text = "".join((ROOT / name).read_text() for name in ("cx.css", "widget.css"))
    imported = re.findall(r"url\(\"css/([^\"]+)\"\)", text)
    assert sorted(imported) == sorted(path.name for path in (ROOT / "css").glob("*.css"))
