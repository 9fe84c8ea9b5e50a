"""Hiding phones and addresses from readers without the right to see them."""

from customers.models import Identity


def masked(kind: str, value: str) -> str:
    """Return a value of which only the end can be recognised: "•••• 84", "a•••@example.com"."""
    if kind == Identity.Kind.EMAIL:
        name, _at, domain = value.rpartition("@")
        return f"{name[:1]}•••@{domain}"
    return f"•••• {value[-2:]}" if len(value) > 4 else "••••"


def masked_contact(text: str) -> str:
    """Return something typed, a phone or an address, masked."""
    return masked(Identity.Kind.EMAIL if "@" in text else Identity.Kind.PHONE, text) if text else ""
