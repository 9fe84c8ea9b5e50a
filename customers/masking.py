"""Hiding phones and addresses from readers without the right to see them."""

from typing import TYPE_CHECKING

from customers.models import Identity
from cxcenter.accounts.roles import Right

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


def masked(kind: str, value: str) -> str:
    """Return a value of which only the end can be recognised: "•••• 84", "a•••@example.com"."""
    if kind == Identity.Kind.EMAIL:
        name, _at, domain = value.rpartition("@")
        return f"{name[:1]}•••@{domain}"
    return f"•••• {value[-2:]}" if len(value) > 4 else "••••"


def shown_to(user: "User", identity: Identity) -> str:
    """Return a phone or an address as somebody may see it."""
    return identity.value if user.may(Right.SEE_CONTACTS) else masked(identity.kind, identity.value)


def masked_contact(text: str) -> str:
    """Return something typed, a phone or an address, masked."""
    return masked(Identity.Kind.EMAIL if "@" in text else Identity.Kind.PHONE, text) if text else ""
