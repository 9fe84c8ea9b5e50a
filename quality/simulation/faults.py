"""What is wrong with a scenario, in words that name the place and say what to do."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

SCHEMA = Path(__file__).with_name("schema.json")
# So many faults are told at once.
MOST = 10
TYPES = {
    "object": "an object {…}",
    "array": "a list […]",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "null": "null",
}

# By keyword of the schema: what to do, of the keyword's value and what was found.
WORDS: dict[str, Callable[[Any, Any], str]] = {
    "type": lambda value, found: f"write {_types(value)} instead of {_shown(found)}",
    "enum": lambda value, found: f"choose {', '.join(map(str, value))} instead of {_shown(found)}",
    "pattern": lambda _value, found: f"write a time like 08:30 or 08:30:15 instead of {_shown(found)}",
    "minimum": lambda value, found: f"write {value:g} or more instead of {found}",
    "exclusiveMinimum": lambda value, found: f"write more than {value:g} instead of {found}",
    "maximum": lambda value, found: f"write {value:g} or less instead of {found}",
    "maxLength": lambda value, _found: f"write no more than {value} letters",
    "minLength": lambda _value, _found: "it is empty: write at least one letter",
    "minItems": lambda _value, _found: "it is empty: write at least one",
    "minProperties": lambda _value, _found: "it is empty: write at least one",
    "maxItems": lambda value, found: f"write no more than {value}, not {len(found)}",
    "maxProperties": lambda value, found: f"write no more than {value}, not {len(found)}: {', '.join(found)}",
    "not": lambda _value, _found: "“base” is the scenario itself: name these rules otherwise",
}


class BadScenario(ValueError):
    """A scenario that cannot be played; its text has a line for each fault."""

    def __init__(self, faults: Iterable[str]) -> None:
        told = list(faults)
        more = [f"and {len(told) - MOST} more"] if len(told) > MOST else []
        super().__init__("\n".join([*told[:MOST], *more]))


def fault(place: Sequence[str | int], words: str) -> str:
    """Return a line that names a place in the file and what to do there."""
    where = " › ".join(str(step + 1) if isinstance(step, int) else step for step in place)
    return f"{where}: {words}" if where else words


def unknown(name: str, known: Iterable[str], what: str) -> str:
    """Return words for a name that leads to nothing, with the one that was meant if it is near."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    if near:
        return f"there is no {what} “{name}”; did you mean “{near[0]}”?"
    listed = ", ".join(names[:MOST]) + ("…" if len(names) > MOST else "")
    return f"there is no {what} “{name}”; there is {listed or 'none at all'}"


def of_form(document: Any) -> list[str]:
    """Return what the schema finds wrong, in the order of the file."""
    errors = sorted(_validator().iter_errors(document), key=lambda error: [str(step) for step in error.absolute_path])
    return [line for error in errors for line in _told(error)]


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _told(error: ValidationError) -> Iterator[str]:
    place = list(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        yield from (fault(place, unknown(name, known, "setting")) for name in error.instance if name not in known)
    elif error.validator == "required":
        yield from (fault(place, f"“{name}” is missing") for name in _missing(error))
    elif error.validator in WORDS:
        yield fault(place, WORDS[error.validator](error.validator_value, error.instance))
    else:
        yield fault(place, error.message)


def _missing(error: ValidationError) -> list[str]:
    # The validator has an error of its own for each, which names it in its text alone.
    return [name for name in error.validator_value if error.message.startswith(f"{name!r} is")]


def _types(value: str | list[str]) -> str:
    return " or ".join(TYPES[one] for one in ([value] if isinstance(value, str) else value))


def _shown(found: Any) -> str:
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:40]}…"
