"""People of companies: who speaks for a business customer, and as what."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import normalise
from customers.actions.links import add_identity, typed_identity
from customers.actions.records import create_profile
from customers.choices import PartyKind
from customers.events import MembershipChanged
from customers.locks import lock_standing
from customers.models import Customer, Membership, Profile
from customers.projection import LIMITS
from customers.queries import lead_of
from customers.survivorship import OPERATOR
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import emit

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

ROLE_LIMIT = 100


@transaction.atomic
def add_member(*, company: Customer, person: Customer, role: str, actor: "User") -> Membership:
    """Say that a person belongs to a company, and as what.

    Raises Invalid if one is not a company or the other not a person, Conflict (code "member") if he is there already.
    """
    said = _read_role(role)
    locked = lock_standing([company.pk, person.pk])
    firm, member = locked[company.pk], locked[person.pk]
    if firm.kind != PartyKind.COMPANY:
        raise Invalid(_("%(name)s is a person, not a company.") % {"name": firm}, field="company")
    if member.kind != PartyKind.PERSON:
        raise Invalid(_("%(name)s is a company, not a person.") % {"name": member}, field="person")
    if Membership.objects.standing().filter(company__customer=firm, person__customer=member).exists():
        raise Conflict(_("%(name)s is there already.") % {"name": member}, code="member")
    made = Membership.objects.create(company=lead_of(firm), person=lead_of(member), role=said, source=OPERATOR)
    _audit("member.add", made, actor)
    tell(made, "joined", actor)
    return made


@transaction.atomic
def add_new_member(*, company: Customer, name: str, contact: str, role: str, actor: "User") -> Membership:
    """Make a person of whom we know his name, perhaps a phone or an e-mail, and put him into a company.

    Raises Invalid for an empty name, or for a contact that is none or is somebody else's: then choose that person.
    """
    said = name.strip()
    if not said:
        raise Invalid(_("Write his name, or choose somebody who is known."), field="name")
    if len(said) > LIMITS["name"]:
        raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": LIMITS["name"]}, field="name")
    person = create_profile(source=OPERATOR, fields={"name": said}, actor=actor).customer
    if contact.strip():
        _reach(person, contact, actor)
    return add_member(company=company, person=person, role=role, actor=actor)


def _reach(person: Customer, contact: str, actor: "User") -> None:
    try:
        kind, value = normalise.contact(contact)
        add_identity(customer=person, identity=typed_identity(kind=kind, value=value), verified=False, actor=actor)
    except Invalid as error:
        raise Invalid(error.message, field="contact") from None
    except Conflict as error:
        owners = Customer.objects.filter(pk__in=error.detail.get("customers", [])).order_by("pk")[:3]
        who = ", ".join(f"{one} ({one.number})" for one in owners)
        raise Invalid(
            _("This contact is linked to %(who)s: choose him above, or leave the contact out.") % {"who": who},
            field="contact",
        ) from None


@transaction.atomic
def change_role(*, membership_id: int, role: str, actor: "User") -> Membership:
    """Give a person another role in his company. Raises Conflict (code "left") if he has left it."""
    said, member = _read_role(role), _lock(membership_id)
    if member.ended_at is not None:
        raise Conflict(_("He is not in this company any more."), code="left")
    if said != member.role:
        member.role = said
        member.save(update_fields=["role"])
        _audit("member.role", member, actor)
        tell(member, "role", actor)
    return member


@transaction.atomic
def end_membership(*, membership_id: int, actor: "User") -> None:
    """Say that a person is no longer in his company: the source that said so does not put him back. Safe to repeat."""
    member = _lock(membership_id)
    if member.ended_at is None:
        member.ended_at, member.ended_by = timezone.now(), actor
        member.save(update_fields=["ended_at", "ended_by"])
        _audit("member.end", member, actor)
        tell(member, "left", actor)


@transaction.atomic
def resume_membership(*, membership_id: int, actor: "User") -> None:
    """Take back that a person has left his company. Safe to repeat. Raises Conflict if he was added again meanwhile."""
    member = _lock(membership_id)
    if member.ended_at is None:
        return
    if Membership.objects.standing().filter(company=member.company_id, person=member.person_id).exists():
        raise Conflict(_("%(name)s is there already.") % {"name": member.person.customer}, code="member")
    member.ended_at = member.ended_by = None
    member.save(update_fields=["ended_at", "ended_by"])
    _audit("member.end.undo", member, actor)
    tell(member, "joined", actor)


def keep_place(*, person: Profile, company: Profile | None, role: str, source: str) -> bool:
    """Let a profile have the company that its source names, and no longer the one it named before. Tells of a change."""
    rows = Membership.objects.select_for_update().filter(person=person, source=source)
    changed = False
    for left in rows.filter(ended_at=None).exclude(company=company):
        left.ended_at = timezone.now()
        left.save(update_fields=["ended_at"])
        tell(left, "left")
        changed = True
    if company is None or rows.filter(company=company).exclude(ended_by=None).exists():
        return changed
    known = Membership.objects.standing().filter(person=person, company=company).first()
    if known is None:
        tell(Membership.objects.create(company=company, person=person, role=role, source=source), "joined")
    elif known.source == source and known.role != role:
        known.role = role
        known.save(update_fields=["role"])
        tell(known, "role")
    else:
        return changed
    return True


def tell(member: Membership, change: str, actor: "User | None" = None) -> None:
    """Put a fact on the timelines of both."""
    for of, profile_id in (("company", member.company_id), ("person", member.person_id)):
        fact = MembershipChanged(
            company=member.company.customer_id,
            person=member.person.customer_id,
            membership=member.pk,
            change=change,
            of=of,
        )
        emit(fact, profile_id=profile_id, actor_id=actor.pk if actor else None)


def _lock(membership_id: int) -> Membership:
    rows = Membership.objects.select_for_update(of=("self",)).select_related("company__customer", "person__customer")
    return rows.get(pk=membership_id)


def _read_role(role: str) -> str:
    said = role.strip()
    if len(said) > ROLE_LIMIT:
        raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": ROLE_LIMIT}, field="role")
    return said


def _audit(act: str, member: Membership, actor: "User") -> None:
    person = member.person.customer_id
    audit.record(actor, act, f"customer:{member.company.customer_id}", person=person, membership=member.pk)
