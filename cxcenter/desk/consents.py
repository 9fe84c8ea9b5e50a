"""What a customer permits, as his card shows it: by purpose and channel, since when, by which proof."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from customers.choices import Purpose
from customers.models import Consent, Customer, Identity
from customers.queries import consents_of, heard_of
from cxcenter.accounts.models import User
from cxcenter.desk.card import shown_value
from interactions.choices import ChannelKind

if TYPE_CHECKING:
    from django.db.models import QuerySet

# So many words of one consent are shown.
HISTORY = 100


@dataclass(frozen=True)
class Word:
    """A consent or a withdrawal in words, with its proof: who said so, in which form, in which words."""

    purpose: str
    channel: str
    what: str
    where: str
    granted: bool
    at: datetime
    identity: str
    proof: str


def standing_of(customer: Customer, user: User) -> list[Word]:
    """Return what a customer permits now. Three queries at the most."""
    numbers = [one["consent"] for one in consents_of(customer.pk)]
    rows = Consent.objects.select_related("identity").in_bulk(numbers)
    return _words([rows[pk] for pk in numbers], user)


def history_of(customer: Customer, user: User, *, purpose: str, channel: str) -> list[Word]:
    """Return all that was ever said of one purpose in one channel, the newest first. Four queries at the most."""
    rows: QuerySet[Consent] = Consent.objects.filter(heard_of(customer.pk), purpose=purpose, channel=channel)
    return _words(rows.select_related("identity").order_by("-at", "granted", "-pk")[:HISTORY], user)


def lost_identities(customer: Customer, user: User) -> list[dict[str, Any]]:
    """Return identities that he has no more and for which something is withdrawn: he may permit it again. Two queries."""
    withdrawn = {one["identity"] for one in consents_of(customer.pk) if not one["granted"]}
    lost = Identity.objects.filter(pk__in=withdrawn).exclude(links__profile__customer=customer).order_by("pk")
    label = _("%(kind)s, no longer his")
    return [
        {"id": one.pk, "value": shown_value(one, user), "label": label % {"kind": one.get_kind_display()}}
        for one in lost
    ]


def _words(rows: Iterable[Consent], user: User) -> list[Word]:
    rows = list(rows)
    people = User.objects.in_bulk({row.proof["user"] for row in rows if isinstance(row.proof.get("user"), int)})
    return [
        Word(
            purpose=row.purpose,
            channel=row.channel,
            what=purpose_words(row.purpose),
            where=channel_words(row.channel),
            granted=row.granted,
            at=row.at,
            identity=shown_value(row.identity, user),
            proof=_proof(row.proof, people),
        )
        for row in rows
    ]


def title_of(purpose: str, channel: str) -> str:
    """Return a purpose and a channel in words; a code that is not ours as it is."""
    return f"{purpose_words(purpose)}, {channel_words(channel)}"


def purpose_words(purpose: str) -> str:
    """Return what is permitted."""
    return str(Purpose(purpose).label) if purpose in Purpose.values else purpose


def channel_words(channel: str) -> str:
    """Return where it is permitted."""
    if not channel:
        return _("every channel")
    return str(ChannelKind(channel).label) if channel in ChannelKind.values else channel


def _proof(proof: dict[str, Any], people: dict[int, User]) -> str:
    """Say by what a consent is proved: a colleague's words, or the form of a site."""
    if "words" in proof:
        who = people.get(proof.get("user", 0))
        return f"{proof['words']} ({who.name})" if who else str(proof["words"])
    if "site" in proof:
        form = _("form of the site %(site)s") % {"site": proof["site"]}
        return f"{form}, {proof['text']}" if proof.get("text") else form
    if "source" in proof:
        record = _("record %(number)s of %(source)s") % {"number": proof.get("record"), "source": proof["source"]}
        return f"{proof['said']} ({record})" if proof.get("said") else record
    plain = [str(value) for value in proof.values() if isinstance(value, str | int | float)]
    return ", ".join(plain[:3]) or _("no proof was kept")
