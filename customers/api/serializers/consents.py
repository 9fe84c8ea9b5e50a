"""What a customer has permitted."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from customers.api.serializers.times import past
from cxcenter.core.api.serializers import LARGEST_ID, Strict


class StandingConsent(serializers.Serializer[Any]):
    """What a customer permits: the newest word of each identity counts, one withdrawal outweighs all consents."""

    purpose = serializers.CharField()
    channel = serializers.CharField(allow_blank=True, help_text="Empty: every channel.")
    granted = serializers.BooleanField()
    identity = serializers.IntegerField(help_text="The identity that decided.")
    consent = serializers.IntegerField()
    at = serializers.DateTimeField()


class StandingConsents(serializers.Serializer[Any]):
    """What a customer permits, by purpose and channel."""

    results = StandingConsent(many=True)


class ConsentWord(Strict):
    """A consent or its withdrawal."""

    purpose = serializers.RegexField(r"^[a-z][a-z0-9_]{0,39}$", help_text="A code, like marketing.")
    channel = serializers.RegexField(
        r"^[a-z]{0,12}$", default="", allow_blank=True, help_text="A code, like email; empty: every channel."
    )
    granted = serializers.BooleanField()
    proof = serializers.CharField(max_length=1000, help_text="Who said so, in which form, in which words.")
    at = serializers.DateTimeField(
        required=False,
        help_text="When it was said. It may come late: the newest word counts, the same one is kept once.",
    )

    def validate_at(self, at: datetime) -> datetime:
        """Refuse the future."""
        return past(at)


class ConsentForm(ConsentWord):
    """A consent or its withdrawal to record."""

    identity = serializers.IntegerField(
        min_value=1,
        max_value=LARGEST_ID,
        help_text="One of the customer's, or one that he has lost and had withdrawn something for.",
    )
