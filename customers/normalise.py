"""One spelling for each identity: the same phone typed in ten ways is one value."""

import re
import unicodedata
from contextlib import suppress

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext as _

from customers.models import Identity
from cxcenter.core.errors import Invalid

# A login is written with an @, or copied as the address of its page.
LOGIN = re.compile(r"^(?:https?://)?(?:www\.|m\.)?(?:t\.me/|telegram\.me/|vk\.com/|vk\.ru/)?@?", re.IGNORECASE)
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


def phone(text: str) -> str:
    """Return E.164 of a phone as typed; the installation's region completes short forms. Raises Invalid.

    An extension is kept behind it as RFC 3966 writes it (+74951234567;ext=12): behind one number of a company sit many.
    """
    try:
        number = phonenumbers.parse(text, settings.PHONE_REGION)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise Invalid(
            _("This is not a phone number. Write it with the country code, like +7 900 555-01-84."), field="contact"
        )
    plain = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return f"{plain};ext={number.extension}" if number.extension else plain


def phone_in(text: str) -> str:
    """Return E.164 of what somebody typed for a contact; "" if it is no phone."""
    try:
        return phone(text)
    except Invalid:
        return ""


def email(text: str) -> str:
    """Return an address in lower case without invisible characters, its domain in ASCII. Raises Invalid."""
    clean = unicodedata.normalize("NFKC", text.translate(INVISIBLE)).strip().lower()
    name, _at, domain = clean.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = ""
    if not name or " " in clean or "." not in ascii_domain.strip("."):
        raise Invalid(_("This is not an e-mail address. Write it like name@example.com."), field="contact")
    return f"{name}@{ascii_domain}"


def contact(text: str) -> tuple[str, str]:
    """Return (kind, value) of something typed that is a phone or an e-mail. Raises Invalid."""
    if "@" in text:
        return Identity.Kind.EMAIL, email(text)
    return Identity.Kind.PHONE, phone(text)


def identity(kind: str, text: str) -> str:
    """Return the normalised value of an identity of any kind. Raises Invalid for an empty one."""
    if kind == Identity.Kind.PHONE:
        return phone(text)
    if kind == Identity.Kind.EMAIL:
        return email(text)
    value = text.translate(INVISIBLE).strip()
    if kind in {Identity.Kind.TELEGRAM, Identity.Kind.VK}:
        value = LOGIN.sub("", value).rstrip("/").lower()
    if kind == Identity.Kind.CARD:
        value = "".join(value.split())
    if not value:
        raise Invalid(_("The value of an identity cannot be empty."), field="value")
    return value


def spellings(text: str) -> set[str]:
    """Return the values that something typed may be kept as: as it stands, and as a phone or address if it is one."""
    found = {text.translate(INVISIBLE).strip()}
    for kind in (phone, email):
        with suppress(Invalid):
            found.add(kind(text))
    return found
