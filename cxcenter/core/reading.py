"""Reading what a browser sent as text: numbers, moments, cursors. Whatever it is, nothing of ours breaks by it."""

from datetime import date, datetime

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from cxcenter.core.errors import Invalid

# Digits of the greatest number of a row.
DIGITS = 18
YEARS = range(1970, 2100)


def number(text: str | None) -> int | None:
    """Return a whole number from 0 that can be a row's, or None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= DIGITS else None


def moment(text: str | None) -> datetime | None:
    """Return an ISO time, or a browser's local time read in the reader's zone; None for anything else."""
    try:
        said = parse_datetime(text or "")
    except ValueError:
        return None
    if said is None or said.year not in YEARS:
        return None
    return timezone.make_aware(said) if timezone.is_naive(said) else said


def day(text: str | None) -> date | None:
    """Return an ISO date, None for anything else."""
    try:
        said = parse_date(text or "")
    except ValueError:
        return None
    return said if said and said.year in YEARS else None


def cursor(text: str) -> tuple[datetime, int]:
    """Return (moment, row number) of a page's key, "ISO_number". Raises Invalid for one that we did not make."""
    at, _sep, ident = text.partition("_")
    when, row = moment(at), number(ident)
    if when is None or row is None:
        raise Invalid(_("This page of the list is not there any more. Load the list again."), field="before")
    return when, row
