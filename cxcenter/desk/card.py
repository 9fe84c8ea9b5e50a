"""The right side: who it is, hints that facts give."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Avg, Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers import normalise
from customers.masking import masked, masked_contact
from customers.models import Customer, Identity, ProfileIdentity
from customers.queries import resolve
from cxcenter.accounts.roles import Right
from cxcenter.desk.golden import source_words
from interactions.choices import ChannelKind
from interactions.models import CallLink, Case, Interaction, Site
from quality.models import Survey
from routing import preferences
from routing.models import WorkItem

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from cxcenter.accounts.models import User

# So many identities stand on a card at the most.
IDENTITIES = 30
# So many phones where only they are shown.
PHONES = 5
# So many sites of which a call link is offered.
SITES = 5
IDENTITY_ICONS = {
    "phone": ("voice", "phone"),
    "email": ("email", "mail"),
    "telegram": ("telegram", "brand-telegram"),
    "whatsapp": ("whatsapp", "brand-whatsapp"),
    "viber": ("viber", "message-circle"),
    "vk": ("vk", "brand-vk"),
    "visitor": ("webchat", "message-circle"),
    "external": ("webchat", "user-check"),
    "device": ("push", "device-mobile"),
    "card": ("office", "id-badge"),
    "account": ("office", "id-badge"),
}


@dataclass(frozen=True)
class Hint:
    """Something that facts say before or during the contact."""

    icon: str
    title: str
    text: str
    why: str = ""
    tone: str = ""
    url: str = ""


def call_sites(user: "User") -> list[Site]:
    """Return the sites of which the user may send a call link. One query."""
    if not user.may(Right.SERVE):
        return []
    return list(Site.objects.filter(voice__active=True).only("pk", "title").order_by("title", "pk")[:SITES])


def link_of(talk: Interaction) -> CallLink | None:
    """Return the link by which the customer has called: it can be handed on, and proves nothing. One query, of a call."""
    if talk.kind != ChannelKind.VOICE:
        return None
    return CallLink.objects.filter(calls=talk.pk).select_related("made_by").first()


def said_of(talk: Interaction | None, user: "User") -> dict[str, str]:
    """Return what the customer typed of himself: unverified, its contact masked for readers without the right.

    `phone` is the number in it, for those who see it.
    """
    says = dict(talk.says) if talk else {}
    if says.get("contact") and not user.may(Right.SEE_CONTACTS):
        return {**says, "contact": masked_contact(says["contact"])}
    return {**says, "phone": normalise.phone_in(says.get("contact", ""))}


def owners_of(talk: Interaction, user: "User") -> list[Customer]:
    """Return whom the identity of a session on nobody's card leads to: a person has to choose. Four queries at the most."""
    identity = talk.thread.identity
    found = resolve(kind=identity.kind, value=identity.value)
    return list(Customer.objects.visible_to(user).filter(pk__in=found.customers).order_by("pk"))


def shown_value(identity: Identity, user: "User") -> str:
    """Return an identity as the user may see it: short where nobody reads it, masked without the right."""
    if not user.may(Right.SEE_CONTACTS):
        return masked(identity.kind, identity.value)
    return _shorten(identity.kind, identity.value)


def identities_of(customer: Customer, user: "User") -> list[dict[str, Any]]:
    """Return the customer's identities, verified and primary first, each once over all his profiles. One query."""
    links = (
        ProfileIdentity.objects.filter(profile__customer=customer)
        .annotate(shared=Exists(_elsewhere(customer)))
        .select_related("identity")
        .order_by("-verified", "-primary", "since", "pk")[: 2 * IDENTITIES]
    )
    first: dict[int, ProfileIdentity] = {}
    for link in links:
        kept = first.setdefault(link.identity_id, link)
        kept.primary = kept.primary or link.primary
    return [shown_link(link, user) for link in list(first.values())[:IDENTITIES]]


def phones_of(customer: Customer, user: "User") -> list[dict[str, Any]]:
    """Return the customer's phones as the user may see them, the surest first. One query."""
    links = (
        ProfileIdentity.objects.filter(profile__customer=customer, identity__kind=Identity.Kind.PHONE)
        .select_related("identity")
        .order_by("-verified", "-primary", "since", "pk")[: 2 * PHONES]
    )
    first: dict[int, ProfileIdentity] = {}
    for link in links:
        first.setdefault(link.identity_id, link)
    return [shown_link(link, user) for link in list(first.values())[:PHONES]]


def _elsewhere(customer: Customer) -> "QuerySet[ProfileIdentity]":
    """Links of the same identity to others."""
    return ProfileIdentity.objects.filter(identity=OuterRef("identity")).exclude(profile__customer=customer)


def shown_link(link: ProfileIdentity, user: "User") -> dict[str, Any]:
    """Return an identity of a customer as the user may see it."""
    kind, value = link.identity.kind, link.identity.value
    colour, icon = IDENTITY_ICONS.get(kind, ("office", "id-badge"))
    hidden = not user.may(Right.SEE_CONTACTS)
    return {
        "id": link.identity_id,
        "kind": kind,
        "label": link.identity.get_kind_display(),
        "value": shown_value(link.identity, user),
        "full": "" if hidden else value,
        "masked": hidden,
        "verified": link.verified,
        "primary": link.primary,
        "shared": getattr(link, "shared", False),
        "source": source_words(link.source),
        "since": link.since,
        "colour": colour,
        "icon": icon,
    }


def _shorten(kind: str, value: str) -> str:
    return f"{value[:4]}…{value[-4:]}" if kind == "visitor" and len(value) > 12 else value


def numbers_of(customer: Customer) -> list[dict[str, Any]]:
    """Return the four numbers of the card that facts give. Three queries."""
    profiles = customer.profiles.values("pk")
    open_cases = Case.objects.filter(profile__in=profiles).open()
    sessions = Interaction.objects.filter(profile__in=profiles).count()
    csat = Survey.objects.filter(interaction__profile__in=profiles).aggregate(mean=Avg("csat"))["mean"]
    overdue = open_cases.filter(due_at__lt=timezone.now()).count()
    return [
        {"title": _("Sessions"), "value": sessions},
        {"title": "CSAT", "value": f"{csat:.1f}" if csat else "–"},
        {"title": _("Cases"), "value": open_cases.count()},
        {"title": _("Overdue"), "value": overdue, "tone": "bad" if overdue else ""},
    ]


def hints_of(interaction: Interaction, language: str) -> list[Hint]:
    """Return hints that facts give: why he came straight here, a case, a repeat contact, the page the visitor is on."""
    hints = _frequent_hint(interaction, language)
    if interaction.profile is not None:
        # That he came often about this says more than that he came.
        repeats = [] if hints else _repeat_hint(interaction, interaction.profile.customer_id)
        hints += _case_hints(interaction.profile.customer_id) + repeats
    page = interaction.thread.page or interaction.page
    if page.get("title") or page.get("url"):
        hints.append(
            Hint("world", _("Page the visitor is on"), page.get("title") or page["url"], why=page.get("url", ""))
        )
    return hints


def _frequent_hint(interaction: Interaction, language: str) -> list[Hint]:
    visit = WorkItem.objects.filter(interaction=interaction, frequent__isnull=False).order_by("-pk").first()
    said = preferences.frequent_words(visit.frequent, language) if visit else ""
    return [Hint("rotate", _("Frequent customer"), said, tone="warn")] if said else []


def _case_hints(customer_id: int) -> list[Hint]:
    cases = Case.objects.filter(profile__customer_id=customer_id).open().order_by("due_at", "pk")[:2]
    return [
        Hint(
            "clipboard-list",
            _("Overdue case") if case.is_overdue else _("Open case"),
            f"{case.number}: {case.subject}",
            tone="bad" if case.is_overdue else "",
            url=f"/desk/cases/{case.pk}/",
        )
        for case in cases
    ]


def _repeat_hint(interaction: Interaction, customer_id: int) -> list[Hint]:
    week = timezone.now() - timedelta(days=7)
    count = (
        Interaction.objects.filter(profile__customer_id=customer_id, opened_at__gt=week)
        .exclude(pk=interaction.pk)
        .count()
    )
    if not count:
        return []
    words = ngettext("%(count)s contact in the last 7 days", "%(count)s contacts in the last 7 days", count)
    return [Hint("rotate", _("Repeat contact"), words % {"count": count}, tone="warn")]
