"""What a customer permits, and takes back."""

import re
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from customers.events import ConsentGiven
from customers.models import Consent, Customer, Identity, Profile, ProfileIdentity
from cxcenter.core import audit
from cxcenter.core.errors import Invalid, NotFound
from cxcenter.core.events import emit

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

WORDS_LIMIT = 1000
PURPOSE, CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,39}"), re.compile(r"[a-z]{0,12}")


@transaction.atomic
def record_consent(
    *,
    profile: Profile,
    identity: Identity,
    purpose: str,
    granted: bool,
    proof: dict[str, Any],
    channel: str = "",
    actor: "User | None" = None,
) -> Consent:
    """Keep a consent or its withdrawal with its proof and tell the timeline; channel "" means every one."""
    consent = Consent.objects.create(identity=identity, purpose=purpose, channel=channel, granted=granted, proof=proof)
    fact = ConsentGiven(identity=identity.pk, purpose=purpose, granted=granted, channel=channel)
    emit(fact, profile_id=profile.pk, actor_id=actor.pk if actor else None)
    return consent


@transaction.atomic
def record_consent_by_hand(
    *, customer: Customer, identity_id: int, purpose: str, channel: str, granted: bool, words: str, actor: "User"
) -> Consent:
    """Record what a customer told a colleague: for which of his identities, and in which words as the proof.

    There is no undo: a proof is not erased, a later word counts. Raises Invalid without words or for a code that is
    none, NotFound for an identity that is not his.
    """
    said = words.strip()
    if not said:
        raise Invalid(_("Write how he said so: a proof without words is none."), field="proof")
    if len(said) > WORDS_LIMIT:
        raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": WORDS_LIMIT}, field="proof")
    if not PURPOSE.fullmatch(purpose):
        raise Invalid(_("Choose what it is for."), field="purpose")
    if not CHANNEL.fullmatch(channel):
        raise Invalid(_("There is no such channel."), field="channel")
    links = ProfileIdentity.objects.filter(profile__customer=customer, identity=identity_id)
    link = links.select_related("profile", "identity").order_by("pk").first()
    if link is None:
        raise NotFound(_("This customer has no such identity. Reload the card."))
    consent = record_consent(
        profile=link.profile,
        identity=link.identity,
        purpose=purpose,
        channel=channel,
        granted=granted,
        proof={"words": said, "user": actor.pk},
        actor=actor,
    )
    audit.record(
        actor,
        "consent.record",
        f"customer:{customer.pk}",
        identity=link.identity_id,
        purpose=purpose,
        channel=channel,
        granted=granted,
    )
    return consent
