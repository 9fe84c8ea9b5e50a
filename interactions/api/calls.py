"""Calls: who spoke with whom, when and for how long."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import django_filters
from django.db.models import Prefetch
from django.utils import timezone
from rest_framework import mixins, serializers

from customers.api.filters import CustomerIdFilter
from customers.choices import IdentityKind
from customers.masking import masked
from cxcenter.accounts.models import User
from cxcenter.accounts.scopes import Scope
from cxcenter.core.api.filters import IdFilter, MomentFilter, RelatedIdFilter, StateFilter
from cxcenter.core.api.serializers import Ref
from cxcenter.core.api.viewsets import ApiViewSet
from interactions.actions.calls import fact_of
from interactions.calls import facts as parties
from interactions.calls.reducer import reduce
from interactions.calls.table import Phase
from interactions.calls.view import Stay, stays_of
from interactions.choices import Direction, Provider
from interactions.models import Call, CallFact

PARTIES = ("customer", "operator", "outside")


class LegOfCall(serializers.Serializer[Any]):
    """One stay of a party in a call, without leaving it."""

    party = serializers.ChoiceField(PARTIES)
    operator = Ref(allow_null=True)
    number = serializers.CharField(
        allow_null=True, help_text="Of somebody outside. Masked for readers without customers:contacts."
    )
    phase = serializers.ChoiceField([phase.value for phase in Phase], help_text="Where it is, or where it left.")
    began_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    ring_s = serializers.FloatField(source="times.ring_s")
    talk_s = serializers.FloatField(source="times.talk_s")
    hold_s = serializers.FloatField(source="times.hold_s")
    wrapup_s = serializers.FloatField(source="times.wrapup_s")


class CallRow(serializers.ModelSerializer[Call]):
    """A call with the times of everybody in it. What goes on is counted up to now."""

    id = serializers.IntegerField(source="interaction_id", help_text="That of its session.")
    number = serializers.SerializerMethodField()
    profile = serializers.IntegerField(source="interaction.profile_id", allow_null=True)
    legs = LegOfCall(many=True)

    class Meta:
        model = Call
        fields = (
            "id",
            "direction",
            "provider",
            "key",
            "number",
            "profile",
            "began_at",
            "answered_at",
            "ended_at",
            "talk_s",
            "hold_s",
            "legs",
        )

    def get_number(self, call: Call) -> str:
        """The customer's number, masked for readers without customers:contacts; empty for a call from a browser."""
        return _shown(call.number, sees=_sees_contacts(self.context))


class CallFilter(django_filters.FilterSet):
    """Calls."""

    state = StateFilter("ended_at", "ended")
    direction = django_filters.ChoiceFilter(choices=Direction.choices)
    provider = django_filters.ChoiceFilter(choices=Provider.choices)
    queue = RelatedIdFilter("interaction__visits__queue_id", help_text="Calls that have been in the queue.")
    operator = RelatedIdFilter("interaction__legs__operator_id", help_text="Calls offered to the operator.")
    profile = IdFilter("interaction__profile_id")
    customer = CustomerIdFilter("interaction__profile__customer_id")
    began_since = MomentFilter("began_at", "gte")
    began_until = MomentFilter("began_at", "lt")


class Calls(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Calls, the newest first."""

    scope = "interactions"
    keyset: ClassVar = ("-began_at", "-interaction_id")
    queryset = Call.objects.select_related("interaction").prefetch_related(
        Prefetch("facts", CallFact.objects.order_by("at", "order", "key"))
    )
    serializer_class = CallRow
    filterset_class = CallFilter

    def paginate_queryset(self, queryset: Any) -> Any:
        """Return the page with the times of all its calls."""
        return self._timed(super().paginate_queryset(queryset) or [])

    def get_object(self) -> Any:
        """Return the call with its times."""
        return self._timed([super().get_object()])[0]

    def _timed(self, calls: Sequence[Any]) -> Sequence[Any]:
        """Read the times of calls off their facts. One query for the names of all operators."""
        now = timezone.now().timestamp()
        stays = {call.pk: stays_of(reduce(map(fact_of, call.facts.all()), now), now) for call in calls}
        people = {user for legs in stays.values() for leg in legs if (user := parties.user_of(leg.party)) is not None}
        names = User.objects.in_bulk(people)
        sees = _sees_contacts(self.get_serializer_context())
        for call in calls:
            call.legs = [_leg(stay, names, sees=sees) for stay in stays[call.pk]]
        return calls


def _leg(stay: Stay, names: dict[int, User], *, sees: bool) -> dict[str, Any]:
    user = parties.user_of(stay.party)
    number = parties.number_of(stay.party)
    return {
        "party": "operator" if user is not None else "customer" if number is None else "outside",
        "operator": names.get(user) if user is not None else None,
        "number": None if number is None else _shown(number, sees=sees),
        "phase": stay.phase.value,
        "began_at": datetime.fromtimestamp(stay.began, UTC),
        "ended_at": None if stay.ended is None else datetime.fromtimestamp(stay.ended, UTC),
        "times": stay.times,
    }


def _shown(number: str, *, sees: bool) -> str:
    return number if sees or not number else masked(IdentityKind.PHONE, number)


def _sees_contacts(context: Mapping[str, Any]) -> bool:
    return bool(context["request"].user.passes(Scope.CUSTOMERS_CONTACTS))
