"""Merges, and pairs that are kept apart."""

from typing import Any

from rest_framework import serializers

from customers.models import Customer, Merge
from cxcenter.core.api.serializers import Strict, VisibleKey


class MergeEvidence(serializers.Serializer[Any]):
    """What one field said of two records that were compared."""

    field = serializers.CharField(help_text="What was compared, like last, birthday or phone.")
    level = serializers.CharField(allow_blank=True, help_text="How far it agreed, like exact, near or differs.")
    bits = serializers.FloatField(help_text="What it weighed: above 0 for one person, below against.")

    def to_representation(self, instance: list[Any]) -> dict[str, Any]:
        """Name the parts of a row of the score."""
        return dict(zip(self.fields, instance, strict=True))


class MergeDetail(serializers.Serializer[Any]):
    """What spoke for a merge, as it was then: nothing of one that was made by hand or by the API."""

    identity = serializers.IntegerField(allow_null=True, help_text="The identity that joined them.")
    probability = serializers.FloatField(allow_null=True, help_text="How likely they were one person, 0 to 1.")
    evidence = MergeEvidence(many=True, default=list, help_text="The score, field by field.")


class MergeRow(serializers.ModelSerializer[Merge]):
    """Two golden records that became one."""

    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    detail = MergeDetail()

    class Meta:
        model = Merge
        fields = ("id", "survivor", "absorbed", "reason", "detail", "at", "actor", "undone_at")


class MergeForm(Strict):
    """Customers to merge."""

    survivor = VisibleKey(queryset=Customer.objects.all(), help_text="Stands for all of them afterwards.")
    others = serializers.ListField(child=VisibleKey(queryset=Customer.objects.all()), min_length=1, max_length=20)


class Merges(serializers.Serializer[Any]):
    """The merges that were made; none for those who were one already."""

    results = MergeRow(many=True)


class ApartRow(serializers.Serializer[Any]):
    """A decision that a customer and another are not the same person."""

    other = serializers.IntegerField(source="other.pk", help_text="The other customer.")
    at = serializers.DateTimeField(source="decision.at")
    actor = serializers.IntegerField(source="decision.actor_id", allow_null=True)


class ApartRows(serializers.Serializer[Any]):
    """Who is known not to be the same person as a customer."""

    results = ApartRow(many=True)


class ApartForm(Strict):
    """Who is not the same person as the customer."""

    other = VisibleKey(queryset=Customer.objects.all())
