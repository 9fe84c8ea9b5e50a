"""A row of a file as a record of its source, or why it cannot be one."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import normalise, projection
from customers.actions.consents import StatedConsent, check_stated
from customers.actions.edits import read_field
from customers.actions.sources import OutsideRecord, Reach
from customers.choices import FieldKind, IdentityKind, PartyKind
from customers.custom import NO, YES, read_value
from customers.fields import CUSTOM, whole_name
from customers.imports.mapping import CHANGED, CONSENT, MANY, NUMBER, Meaning
from customers.imports.tables import Formula, Row
from customers.models import CustomField
from cxcenter.core.errors import Invalid

# How surely an identity tells one record from another where a source gives no number.
STRENGTH = (
    IdentityKind.CARD, IdentityKind.ACCOUNT, IdentityKind.EXTERNAL, IdentityKind.PHONE, IdentityKind.EMAIL,
    IdentityKind.TELEGRAM, IdentityKind.WHATSAPP, IdentityKind.VIBER, IdentityKind.VK,
)  # fmt: skip
# Of these a cell may hold several.
LISTED = {IdentityKind.PHONE, IdentityKind.EMAIL}
BETWEEN = re.compile(r"[;|\n]|,(?!\s*(?:ext|доб))")
MAX_NUMBER, MAX_IDENTITY = 120, 254
WORDS = {
    PartyKind.PERSON: "person individual private человек физлицо физическоелицо частноелицо фл",
    PartyKind.COMPANY: "company organization organisation business компания организация юрлицо юридическоелицо юл",
}
# What stands in a column of consents, besides yes and no.
SAID = {
    True: "y on granted given agreed optin subscribed permits согласен согласна есть дано подписан подписана",
    False: "n off withdrawn revoked refused optout unsubscribed отозвано отказ отказался отказалась отписан отписана",
}
CONSENTS = {word: granted for granted, words in SAID.items() for word in words.split()}
CONSENTS |= dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
PARTIES = {word: kind for kind, words in WORDS.items() for word in words.split()}
YEAR_FIRST = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})")
DAY_FIRST = re.compile(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4})")
EXCEL_DAY = re.compile(r"\d{1,5}(\.0)?")
EXCEL_BEGINS, OLDEST = date(1899, 12, 30), date(1850, 1, 1)
# Excel's own way to keep a text from being read as a number.
EXCEL_TEXT = re.compile(r'="([^"]*)"')
# A spreadsheet does not take these for a formula: so this product, and others, write a text that looks like one.
DEFUSED = re.compile(r"'[=+\-@\t\r]")


@dataclass
class _Told:
    """What a row tells, cell by cell."""

    number: str = ""
    at: datetime | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    reaches: dict[tuple[str, str], None] = field(default_factory=dict)
    consents: list[StatedConsent] = field(default_factory=list)


class Reader:
    """Reads the rows of one file by its meaning. Fields of the house are asked for once."""

    def __init__(self, meaning: Meaning, columns: Sequence[str], source: str) -> None:
        """Take the meaning, the file's columns, and the source. One query."""
        self._meaning, self._source = meaning, source
        self._cells = [
            (place, name, target) for place, name in enumerate(columns) if (target := meaning.columns.get(name))
        ]
        self._numbered = NUMBER in meaning.columns.values()
        self._own = {CUSTOM + row.code: row for row in CustomField.objects.filter(active=True)}
        self._zone = ZoneInfo(settings.DEFAULT_ZONE)
        self._today = timezone.localdate()

    def read(self, row: Row) -> OutsideRecord:
        """Return the record of a row. Raises Invalid with the column and what is wrong."""
        if row.reason:
            raise Invalid(row.reason)
        raw: dict[str, Any] = {}
        told = _Told()
        for place, column, target in self._cells:
            value = row.cells[place]
            if value in (None, "", [], {}):
                continue
            try:
                for one in _texts(value, listed=target in MANY):
                    self._take(told, target, one, value)
                    raw[column] = f"{raw[column]}; {one}" if column in raw else one
            except Invalid as error:
                raise Invalid(f"{column}: {error.message}", field=column) from None
        if not told.fields and not told.reaches:
            raise Invalid(_("There is nothing in it to keep."))
        if self._numbered and not told.number:
            raise Invalid(_("The number in the source is empty."))
        check_stated(told.consents, told.reaches, told.at)
        fields = projection.complete(told.fields)
        return OutsideRecord(
            source=self._source,
            external_id=told.number or key_of(fields, list(told.reaches)),
            fields=fields,
            reaches=[
                Reach(kind=kind, value=text, verified=self._meaning.vouched) for kind, text in sorted(told.reaches)
            ],
            consents=told.consents,
            raw=raw,
            verified=self._meaning.verified,
            at=told.at,
        )

    def _take(self, told: "_Told", target: str, text: str, value: Any) -> None:
        """Note what one text of a cell tells. Raises Invalid."""
        if target in MANY:
            told.reaches |= dict.fromkeys(_reached(target, text))
        elif target == NUMBER:
            told.number = _number(text)
        elif target == CHANGED:
            told.at = self._at(text, value)
        elif named := CONSENT.fullmatch(target):
            told.consents.append(_consent(named[1], named[2] or "", text))
        else:
            told.fields[target] = self._field(target, text, value)

    def _field(self, target: str, text: str, value: Any) -> Any:
        if target == "birthday":
            return self._birthday(text, value).isoformat()
        if target == "kind":
            word = re.sub(r"\W", "", text.casefold())
            return PARTIES.get(word) or read_field("kind", text)
        own = self._own.get(target)
        if own is None:
            return read_field(target, text)
        return read_value(own, day_of(text, value).isoformat() if own.kind == FieldKind.DATE else text)

    def _birthday(self, text: str, value: Any) -> date:
        found = day_of(text, value)
        if not OLDEST <= found <= self._today:
            raise Invalid(_("Nobody alive was born on %(day)s.") % {"day": found.isoformat()})
        return found

    def _at(self, text: str, value: Any) -> datetime:
        found = value if isinstance(value, datetime) else _moment(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=self._zone)
        found = found.astimezone(UTC)
        if found > timezone.now() + timedelta(days=1):
            raise Invalid(_("It was changed in the future: %(time)s.") % {"time": text[:40]})
        return found


def key_of(fields: dict[str, Any], reaches: Sequence[tuple[str, str]]) -> str:
    """Return the number of a record whose source gives none: a digest of its surest identity and its name.

    A family shares a phone, so the name belongs to it. Without an identity all that is said does.
    """
    strongest = min(reaches, key=lambda reach: (STRENGTH.index(IdentityKind(reach[0])), reach[1]), default=None)
    if strongest is None:
        told = sorted((name, str(value)) for name, value in fields.items())
        return _digest([part for pair in told for part in pair])
    name = str(fields.get("name") or whole_name(fields) or fields.get("company", ""))
    return _digest([*strongest, *sorted(name.casefold().split())])


def _digest(parts: Sequence[str]) -> str:
    return "~" + sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _texts(value: Any, *, listed: bool) -> Iterator[str]:
    """Yield the texts of a cell, trimmed. Raises Invalid for what is no plain value, and for a formula."""
    if isinstance(value, Formula):
        raise Invalid(_("There is a formula or an error in it: paste values instead."))
    if isinstance(value, list) and listed:
        for one in value:
            yield from _texts(one, listed=False)
        return
    if isinstance(value, (dict, list)):
        raise Invalid(_("A single value is expected here."))
    text = _plain(value)
    if text:
        yield text


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    if text.startswith("="):
        found = EXCEL_TEXT.fullmatch(text)
        if found is None:
            raise Invalid(_("There is a formula or an error in it: paste values instead."))
        return found[1].strip()
    return text[1:].strip() if DEFUSED.match(text) else text


def _number(text: str) -> str:
    if len(text) > MAX_NUMBER:
        raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": MAX_NUMBER})
    return text


def _consent(purpose: str, channel: str, text: str) -> StatedConsent:
    word = re.sub(r"\W", "", text.casefold())
    if word not in CONSENTS:
        raise Invalid(_("Write yes or no."))
    return StatedConsent(purpose=purpose, channel=channel, granted=CONSENTS[word])


def _reached(kind: str, text: str) -> Iterator[tuple[str, str]]:
    for part in BETWEEN.split(text) if kind in LISTED else [text]:
        if part.strip():
            value = normalise.identity(kind, part.strip())
            if len(value) > MAX_IDENTITY:
                raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": MAX_IDENTITY})
            yield kind, value


def day_of(text: str, value: Any = None) -> date:
    """Return a day: year-month-day, day.month.year, eight digits, or a day of Excel as a date or a number. Raises Invalid."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    plain = re.split(r"[T ]", text, maxsplit=1)[0]
    try:
        if found := YEAR_FIRST.fullmatch(plain):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if found := DAY_FIRST.fullmatch(plain):
            return date(int(found[3]), int(found[2]), int(found[1]))
        if len(plain) == 8 and plain.isdecimal():
            return date(int(plain[:4]), int(plain[4:6]), int(plain[6:]))
        if EXCEL_DAY.fullmatch(plain):
            return EXCEL_BEGINS + timedelta(days=int(float(plain)))
    except ValueError:
        pass
    raise Invalid(_("This is not a date: %(text)s. Write it like 1988-04-14 or 14.04.1988.") % {"text": text[:40]})


def _moment(text: str) -> datetime:
    """Return a time as ISO writes it, or a day with or without a time of day. Raises Invalid."""
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    day, _space, clock = text.partition(" ")
    found = day_of(day)
    with suppress(ValueError):
        return datetime.combine(found, time.fromisoformat(clock.strip() or "00:00"))
    raise Invalid(_("This is not a time: %(text)s. Write it like 2026-04-14 09:30.") % {"text": text[:40]})
