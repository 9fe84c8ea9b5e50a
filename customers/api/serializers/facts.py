"""Events of a timeline, and those that are reported from outside."""

import math
import re
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.serializers.identities import Reach
from customers.api.serializers.times import past
from customers.models import Profile
from cxcenter.core.api.serializers import Strict, VisibleKey
from cxcenter.core.models import Event

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class EventRow(serializers.ModelSerializer[Event]):
    """A fact of a timeline."""

    profile = serializers.IntegerField(source="profile_id", allow_null=True)
    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    data = serializers.DictField(source="payload")  # type: ignore[assignment]

    class Meta:
        model = Event
        fields = ("id", "profile", "kind", "at", "actor", "data")


SCALAR = {"oneOf": [{"type": "string", "maxLength": 200}, {"type": "number"}, {"type": "boolean"}]}


@extend_schema_field({"type": "object", "maxProperties": 20, "additionalProperties": SCALAR})
class FactsField(serializers.Field[dict[str, Any], dict[str, Any], dict[str, Any], Any]):
    """Ids, codes, amounts of an event: small, flat, and fit for the database."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the facts. Raises ValidationError with the first thing that is wrong."""
        if not isinstance(data, dict) or len(data) > 20:
            raise serializers.ValidationError(_("Give an object of 20 names at most."))
        for name, value in data.items():
            if not NAME.fullmatch(name):
                raise serializers.ValidationError(_("A name has small letters, digits and _, 40 at most."))
            self._check(value)
        return data

    def _check(self, value: Any) -> None:
        if isinstance(value, str):
            serializers.CharField(max_length=200, allow_blank=True).run_validation(value)
        elif not isinstance(value, int | float) or (isinstance(value, float) and not math.isfinite(value)):
            raise serializers.ValidationError(_("A value is a short text, a number, true or false."))

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the facts as they are."""
        return value


class OutsideEventForm(Strict):
    """One event that another system reports."""

    key = serializers.RegexField(
        r"^[!-~]{1,80}$", help_text="Its own id there: the same key is kept once, however often it is sent."
    )
    type = serializers.RegexField(r"^[a-z][a-z0-9_.]{0,59}$", help_text="A code, like purchase or office.visit.")
    at = serializers.DateTimeField(help_text="When it happened. It may come late and out of order.")
    profile = VisibleKey(queryset=Profile.objects.all(), required=False)
    identity = Reach(
        required=False, help_text="Whose it is, if you do not know the profile. A new one makes a customer."
    )
    data = FactsField(  # type: ignore[assignment]
        required=False, help_text="Ids, codes, amounts. No names, addresses or texts."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for exactly one owner."""
        if ("profile" in attrs) == ("identity" in attrs):
            raise serializers.ValidationError(_("Give a profile or an identity."))
        return attrs

    def validate_at(self, at: datetime) -> datetime:
        """Refuse the future."""
        return past(at)


class OutsideEventsForm(Strict):
    """A batch of events."""

    events = serializers.ListField(child=OutsideEventForm(), min_length=1, max_length=100)


class OutsideEventResult(serializers.Serializer[Any]):
    """What became of one event."""

    key = serializers.CharField()
    status = serializers.ChoiceField(["stored", "repeated", "ambiguous", "erased"])


class OutsideEventResults(serializers.Serializer[Any]):
    """What became of each event, in the order of the request."""

    results = OutsideEventResult(many=True)
