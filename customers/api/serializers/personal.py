"""Erasures of personal data."""

from rest_framework import serializers

from customers.choices import ErasureReason
from customers.models import Erasure
from cxcenter.core.api.serializers import Strict


class ErasureForm(Strict):
    """Whom to erase, once more, and why."""

    number = serializers.CharField(
        max_length=30, help_text="The customer's number, like C-12: to be sure who is meant."
    )
    reason = serializers.ChoiceField(ErasureReason.choices)


class ErasureRow(serializers.ModelSerializer[Erasure]):
    """An erasure that was done."""

    actor = serializers.IntegerField(source="actor_id", allow_null=True)

    class Meta:
        model = Erasure
        fields = ("customer", "reason", "at", "actor")
