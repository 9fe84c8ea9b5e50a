"""Call links: an address by which one customer calls from his browser without saying who he is.

What stands in it is signed, so that a guess costs no query; whether it still holds is told by its row.
"""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.locks import hold_profile
from customers.models import Profile
from cxcenter.core import audit, counts
from cxcenter.core.errors import Conflict, Gone, Invalid, NotFound, TooMany
from interactions.models import CallLink, Case, Site, Topic

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# Who makes more in an hour is no person who talks to customers.
PER_HOUR = 60
HOUR_S = 3600
_signer = signing.Signer(salt="interactions.call_link", sep=".")


@transaction.atomic
def make(
    *,
    site: Site,
    profile: Profile,
    actor: "User",
    topic: Topic | None = None,
    case: Case | None = None,
    operator: "User | None" = None,
) -> CallLink:
    """Make a link for a customer, which holds as long as its site says.

    Raises Gone if he was erased, Invalid if the site takes no calls, TooMany.
    """
    if site.voice is None or not site.voice.active:
        raise Invalid(_("This site takes no calls."), field="site")
    if counts.count(f"cx:limit:call_link:{actor.pk}", HOUR_S) > PER_HOUR:
        raise TooMany(_("Too many at once. Wait a moment."), retry_after=HOUR_S)
    hold_profile(profile.pk)
    link = CallLink.objects.create(
        site=site,
        profile=profile,
        topic=topic,
        case=case,
        operator=operator,
        made_by=actor,
        expires_at=timezone.now() + timedelta(hours=site.link_hours),
    )
    audit.record(actor, "call_link.make", f"customer:{profile.customer_id}", link=link.pk)
    return link


def address(link: CallLink) -> str:
    """Return what is sent to the customer. The secret is behind the #: no server and no log on the way sees it."""
    page = reverse("widget:call", args=[link.site.key])
    return f"{settings.PUBLIC_URL}{page}#link={_signer.sign(link.public_id.hex)}"


@transaction.atomic
def revoke(*, link: CallLink, actor: "User") -> None:
    """Let nobody call by a link any more. A call that goes on goes on. Repeating it changes nothing."""
    if CallLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record(actor, "call_link.revoke", f"customer:{link.profile.customer_id}", link=link.pk)


def read(site: Site, said: str) -> CallLink:
    """Return the link of an address. Raises NotFound for one that is forged, or of another site."""
    try:
        public_id = uuid.UUID(_signer.unsign(said))
    except (signing.BadSignature, ValueError):
        public_id = None
    link = CallLink.objects.filter(public_id=public_id, site=site).first() if public_id else None
    if link is None:
        raise NotFound(_("This link is not complete. Copy all of it, or ask for a new one."), code="no_link")
    return link


def refuse_over(link: CallLink, visitor: str) -> None:
    """Raise Gone for a link that holds no longer, Conflict for one that another browser has."""
    if link.revoked_at is not None or link.expires_at <= timezone.now():
        raise Gone(_("This link holds no longer. Ask for a new one."), code="link_over")
    if link.visitor and link.visitor != visitor:
        raise Conflict(_("This link was used in another browser already. Ask for a new one."), code="link_used")


def claim(link_id: int, visitor: str) -> CallLink:
    """Give a link to the browser that calls by it, inside a transaction. Raises Gone, Conflict as `refuse_over` does."""
    related = ("profile__customer", "topic", "case", "made_by")
    link = CallLink.objects.select_related(*related).select_for_update(of=("self",)).filter(pk=link_id).first()
    if link is None:
        raise Gone(_("This link holds no longer. Ask for a new one."), code="link_over")
    refuse_over(link, visitor)
    if not link.visitor:
        link.visitor, link.claimed_at = visitor, timezone.now()
        link.save(update_fields=["visitor", "claimed_at"])
    return link
