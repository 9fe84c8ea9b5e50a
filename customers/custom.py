"""Fields of the house: what the administrator has defined for every card."""

import math
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from customers.choices import FieldKind
from customers.fields import CUSTOM
from customers.models import CustomField
from customers.projection import day
from cxcenter.core.errors import Invalid

LIMIT = 1000
YES, NO = {"true", "yes", "1", "да"}, {"false", "no", "0", "нет"}


def read_custom(code: str, value: Any) -> Any:
    """Return the value of a field as records keep it: text, number, true or false, a day as ISO; "" for none. Raises Invalid."""
    field = CustomField.objects.filter(code=code, active=True).first()
    if field is None:
        raise Invalid(_("There is no such field: %(field)s.") % {"field": CUSTOM + code}, field=CUSTOM + code)
    return read_value(field, value)


def read_value(field: CustomField, value: Any) -> Any:
    """Return a value of a known field as records keep it. Raises Invalid."""
    text = str(value).strip() if value is not None else ""
    if text == "":
        return ""
    try:
        return READERS[field.kind](field, text)
    except ValueError as error:
        raise Invalid(f"{field.label}: {error}", field=CUSTOM + field.code) from None


def _text(_field: CustomField, text: str) -> str:
    if len(text) > LIMIT:
        raise ValueError(_("Too long: %(limit)s characters at most.") % {"limit": LIMIT})
    return text


def _number(_field: CustomField, text: str) -> float:
    try:
        number = float(text.replace(" ", "").replace("\u00a0", "").replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(_("A number is expected here."))
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _date(_field: CustomField, text: str) -> str:
    found = day(text)
    if found is None:
        raise ValueError(_("Write the date as year-month-day, like 1988-04-14."))
    return found.isoformat()


def _flag(_field: CustomField, text: str) -> bool:
    if text.lower() not in YES | NO:
        raise ValueError(_("Write yes or no."))
    return text.lower() in YES


def _choice(field: CustomField, text: str) -> str:
    if text not in field.options:
        raise ValueError(_("Choose one of: %(values)s.") % {"values": ", ".join(map(str, field.options))})
    return text


READERS: dict[str, Callable[[CustomField, str], Any]] = {
    FieldKind.TEXT: _text,
    FieldKind.NUMBER: _number,
    FieldKind.DATE: _date,
    FieldKind.FLAG: _flag,
    FieldKind.CHOICE: _choice,
}
