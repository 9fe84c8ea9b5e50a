"""What a customer permits, and takes back."""

from typing import Any

from django.db import transaction

from customers.events import ConsentGiven
from customers.models import Consent, Identity, Profile
from cxcenter.core.events import emit


@transaction.atomic
def record_consent(
    *, profile: Profile, identity: Identity, purpose: str, granted: bool, proof: dict[str, Any], channel: str = ""
) -> Consent:
    """Keep a consent or its withdrawal with its proof and tell the timeline; channel "" means every one."""
    consent = Consent.objects.create(identity=identity, purpose=purpose, channel=channel, granted=granted, proof=proof)
    emit(ConsentGiven(identity=identity.pk, purpose=purpose, granted=granted), profile_id=profile.pk)
    return consent
