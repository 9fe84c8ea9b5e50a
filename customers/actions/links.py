"""Identities by hand: linked to a customer, taken off, moved to another, marked as verified or as the main one.

Each act can be taken back. The identity is locked before the customers, and so two who meet at one see each other.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers import normalise
from customers.actions.identities import find_identity
from customers.comparison import REACHES
from customers.erased import keep_withdrawn
from customers.events import IdentityChanged, ProfileSaid
from customers.junk import MADE, JunkList
from customers.locks import lock_standing
from customers.models import Customer, Identity, ProfileIdentity, Unlinking
from customers.queries import lead_of, owners_of
from customers.survivorship import OPERATOR
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid, NotFound
from cxcenter.core.events import announce, emit

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from cxcenter.accounts.models import User


def typed_identity(*, kind: str, value: str) -> Identity:
    """Return the identity that a person has typed. Raises Invalid as `read_typed` does."""
    return find_identity(kind=kind, value=read_typed(kind=kind, value=value))


def read_typed(*, kind: str, value: str) -> str:
    """Return what a person has typed as identities keep it.

    Raises Invalid for what cannot be one, and (code "junk") for what would join strangers.
    """
    if kind not in Identity.Kind.values or kind in MADE:
        raise Invalid(_("Choose what it is: a phone, an address, an account."), field="kind")
    try:
        clean = normalise.identity(kind, value)
    except Invalid as error:
        raise Invalid(error.message, field="value") from None
    if len(clean) > 254:
        raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": 254}, field="value")
    if JunkList().has(kind, clean):
        raise Invalid(
            _("People give this value when they have none: it would join strangers. Ask for the real one."),
            field="value",
            code="junk",
        )
    return clean


@transaction.atomic
def add_identity(
    *, customer: Customer, identity: Identity, verified: bool, actor: "User", shared: bool = False
) -> ProfileIdentity:
    """Link an identity to a customer by hand: to his lead profile, as edits are.

    Raises Conflict if he has it ("linked"), or if others have it ("shared", with their numbers) and it was not said
    that they share it.
    """
    owner = _lock(identity, customer)[customer.pk]
    if _links(owner, identity).exists():
        raise Conflict(_("This customer has it already."), code="linked")
    others = owners_of(identity, besides=owner)
    if others and not shared:
        raise Conflict(shared_words(others), code="shared", customers=[one.pk for one in others])
    link = _link(owner, identity, verified=verified)
    _told("identity.link", "linked", link, owner, actor)
    return link


def shared_words(others: list[Customer]) -> str:
    """Say who has an identity as well, and what to do about it."""
    names = ", ".join(f"{one} ({one.number})" for one in others[:3])
    more = ngettext("and %(count)s more", "and %(count)s more", len(others) - 3) % {"count": len(others) - 3}
    who = f"{names} {more}" if len(others) > 3 else names
    return _("It is linked to others too: %(who)s. Say whether they share it or it moves here.") % {"who": who}


@transaction.atomic
def move_identity(
    *, identity: Identity, to: Customer, actor: "User", off: Customer | None = None, verified: bool = False
) -> tuple[ProfileIdentity | None, list[Unlinking]]:
    """Move an identity to a customer: from the given one, or from all who have it.

    Returns the new link (None if he had it already) and one row of each customer it was taken off: both take it back.
    Raises NotFound if it is not there to be moved.
    """
    Identity.objects.select_for_update().get(pk=identity.pk)
    known = owners_of(identity, besides=to) if off is None else [off]
    locked = lock_standing([to.pk, *(one.pk for one in known)])
    head = locked[to.pk]
    owners = [row for row in set(locked.values()) - {head} if _links(row, identity).exists()]
    if not owners:
        raise _gone()
    was_sure = ProfileIdentity.objects.filter(profile__customer__in=owners, identity=identity, verified=True).exists()
    taken = [_take_off(row, identity, actor, other=head.pk) for row in owners]
    if _links(head, identity).exists():
        return None, taken
    link = _link(head, identity, verified=verified or was_sure)
    _told("identity.link", "linked", link, head, actor, other=owners[0].pk)
    return link, taken


@transaction.atomic
def unlink_identity(*, customer: Customer, identity: Identity, actor: "User") -> Unlinking:
    """Take an identity off a customer, off all his profiles. Raises NotFound if he has not got it.

    Sessions of the identity that come later open on the card of whoever it leads to then.
    """
    owner = _lock(identity, customer)[customer.pk]
    if not _links(owner, identity).exists():
        raise _gone()
    return _take_off(owner, identity, actor)


@transaction.atomic
def link_again(*, unlinking_id: int, actor: "User") -> None:
    """Put back what an act took off, as it was. Repeating it changes nothing."""
    found = Unlinking.objects.select_related("identity", "profile__customer").filter(pk=unlinking_id).first()
    if found is None:
        return
    owner = _lock(found.identity, found.profile.customer)[found.profile.customer_id]
    rows = list(Unlinking.objects.select_for_update().filter(identity=found.identity, at=found.at).order_by("pk"))
    links = [_restored(row) for row in rows]
    if links:
        _told("identity.unlink.undo", "linked", links[0], owner, actor)


@transaction.atomic
def take_link_back(*, link_id: int, actor: "User") -> None:
    """Take back a link that was made by hand, as if it had never been. Repeating it changes nothing."""
    link = ProfileIdentity.objects.select_related("identity", "profile__customer").filter(pk=link_id).first()
    if link is None or link.source != OPERATOR:
        return
    owner = _lock(link.identity, link.profile.customer)[link.profile.customer_id]
    ProfileIdentity.objects.filter(pk=link_id).delete()
    _told("identity.link.undo", "unlinked", link, owner, actor)


@transaction.atomic
def verify_identity(*, customer: Customer, identity: Identity, verified: bool, actor: "User") -> bool:
    """Say that an identity is surely a customer's, or that it is not sure. Returns whether anything was changed.

    A source that vouches for it verifies it again. Raises NotFound if he has not got it.
    """
    return _mark(customer, identity, "verified" if verified else "unverified", actor, verified=verified)


@transaction.atomic
def prefer_identity(*, customer: Customer, identity: Identity, primary: bool, actor: "User") -> Identity | None:
    """Make an identity the main one of its kind, or no longer. Returns the one it took the place of.

    Raises NotFound if the customer has not got it.
    """
    former = (
        ProfileIdentity.objects.filter(profile__customer=customer, identity__kind=identity.kind, primary=True)
        .exclude(identity=identity)
        .select_related("identity")
        .order_by("pk")
        .first()
    )
    _mark(customer, identity, "primary" if primary else "secondary", actor, primary=primary)
    if primary:
        same = ProfileIdentity.objects.filter(profile__customer=customer, identity__kind=identity.kind)
        same.exclude(identity=identity).update(primary=False)
    return former.identity if former and primary else None


def _mark(customer: Customer, identity: Identity, change: str, actor: "User", **marks: bool) -> bool:
    owner = _lock(identity, customer)[customer.pk]
    links = list(_links(owner, identity))
    if not links:
        raise _gone()
    changed = [link for link in links if any(getattr(link, name) != value for name, value in marks.items())]
    if changed:
        ProfileIdentity.objects.filter(pk__in=[link.pk for link in links]).update(**marks)
        _told("identity.mark", change, links[0], owner, actor)
    return bool(changed)


# --- Parts of the acts ---


def _lock(identity: Identity, *customers: Customer) -> dict[int, Customer]:
    """Lock an identity, then the customers that stand for the given ones; return given id → locked customer."""
    Identity.objects.select_for_update().get(pk=identity.pk)
    return lock_standing([customer.pk for customer in customers])


def _links(customer: Customer, identity: Identity) -> "QuerySet[ProfileIdentity]":
    return ProfileIdentity.objects.filter(profile__customer=customer, identity=identity).order_by("pk")


def _link(customer: Customer, identity: Identity, *, verified: bool) -> ProfileIdentity:
    """Link an identity to the lead profile; the first of its kind is the main one."""
    same = ProfileIdentity.objects.filter(profile__customer=customer, identity__kind=identity.kind)
    link = ProfileIdentity.objects.create(
        profile=lead_of(customer), identity=identity, source=OPERATOR, verified=verified, primary=not same.exists()
    )
    keep_withdrawn([identity.pk])
    return link


def _take_off(customer: Customer, identity: Identity, actor: "User", *, other: int | None = None) -> Unlinking:
    now, links = timezone.now(), list(_links(customer, identity))
    kept = [
        Unlinking.objects.update_or_create(
            profile_id=link.profile_id,
            identity=identity,
            defaults={
                "verified": link.verified,
                "primary": link.primary,
                "source": link.source,
                "since": link.since,
                "at": now,
                "actor": actor,
            },
        )[0]
        for link in links
    ]
    ProfileIdentity.objects.filter(pk__in=[link.pk for link in links]).delete()
    _told("identity.unlink", "unlinked", links[0], customer, actor, other=other)
    _compare_again(identity, [link.profile_id for link in links[1:]])
    return kept[0]


def _restored(row: Unlinking) -> ProfileIdentity:
    """Make a link again as it was, unless it was made again meanwhile."""
    was = {"verified": row.verified, "primary": row.primary, "source": row.source, "since": row.since}
    link, _made = ProfileIdentity.objects.get_or_create(
        profile_id=row.profile_id, identity_id=row.identity_id, defaults=was
    )
    row.delete()
    return link


def _told(
    act: str, change: str, link: ProfileIdentity, customer: Customer, actor: "User", *, other: int | None = None
) -> None:
    """Keep an act in the audit log, tell it on the timeline, and have the profile compared by what it has now."""
    identity = link.identity
    audit.record(actor, act, f"customer:{customer.pk}", identity=identity.pk, kind=identity.kind, change=change)
    fact = IdentityChanged(customer=customer.pk, identity=identity.pk, kind=identity.kind, change=change, other=other)
    emit(fact, profile_id=link.profile_id, actor_id=actor.pk)
    if act != "identity.mark":
        _compare_again(identity, [link.profile_id])


def _compare_again(identity: Identity, profiles: Iterable[int]) -> None:
    if identity.kind in REACHES:
        for profile_id in profiles:
            announce(ProfileSaid(profile=profile_id))


def _gone() -> NotFound:
    return NotFound(_("This customer has no such identity. Reload the card."))
