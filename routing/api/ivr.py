"""What an IVR asks while the phone rings."""

from typing import Any, ClassVar

from django.utils import translation
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from customers import normalise
from customers.choices import RESOLVED
from cxcenter.accounts.scopes import Scope
from cxcenter.core import audit
from cxcenter.core.api.serializers import LARGEST_ID, Ref, Strict
from cxcenter.core.api.viewsets import ApiViewSet
from cxcenter.core.errors import Invalid
from interactions.choices import CaseStatus, ChannelKind
from interactions.models import Channel
from routing import ivr


class CallerForm(Strict):
    """Who calls, where, and what he has chosen in the menu."""

    number = serializers.CharField(
        max_length=40, allow_null=True, help_text="In any spelling; null if the caller hides it."
    )
    line = serializers.PrimaryKeyRelatedField(
        queryset=Channel.objects.filter(kind=ChannelKind.VOICE, active=True),
        required=False,
        help_text="The line, by its id. Without it and `called`: the only one there is.",
    )
    called = serializers.CharField(
        max_length=40, required=False, help_text="The dialled number, by which the line is found."
    )
    topic = serializers.IntegerField(
        min_value=1, max_value=LARGEST_ID, required=False, help_text="What he has chosen in the menu."
    )


class CaseOfCaller(serializers.Serializer[Any]):
    """An open case."""

    id = serializers.IntegerField()
    number = serializers.CharField()
    subject = serializers.CharField()
    status = serializers.ChoiceField(CaseStatus.choices)
    due_at = serializers.DateTimeField(allow_null=True)


class OutageOfCaller(serializers.Serializer[Any]):
    """A known outage that touches the caller."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    words = serializers.CharField(help_text="What to say, in the caller's language.")
    until = serializers.DateTimeField(allow_null=True)


class LikelyTopic(serializers.Serializer[Any]):
    """What the call is likely about."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    why = serializers.ChoiceField([one.value for one in ivr.Why])


class RouteOfCaller(serializers.Serializer[Any]):
    """Where the call would go now."""

    line = Ref()
    queue = Ref()
    open = serializers.BooleanField()
    why = serializers.CharField(help_text="Why it is shut: closed, hours, nobody, full; empty if it is open.")
    opens_at = serializers.DateTimeField(allow_null=True)
    message = serializers.CharField(help_text="What those who wait, or are turned away, are told.")
    wait_s = serializers.FloatField(allow_null=True, help_text="Null without ground for an estimate.")
    callback = serializers.BooleanField(help_text="Whether he may be offered a callback.")


class CallerRow(serializers.Serializer[Any]):
    """What is known of who calls."""

    number = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(RESOLVED)
    customer = serializers.IntegerField(allow_null=True)
    candidates = serializers.ListField(child=serializers.IntegerField(), help_text="Whom the phone leads to.")
    name = serializers.CharField(allow_null=True, help_text="Needs customers:read.")
    language = serializers.CharField(allow_null=True)
    segments = serializers.ListField(child=serializers.CharField(), help_text="Codes.")
    attributes = serializers.DictField(allow_null=True, help_text="Own fields of his card. Needs customers:read.")
    cases = CaseOfCaller(many=True, allow_null=True, help_text="The newest open ones, five at most. Needs cases:read.")
    affected = serializers.BooleanField(help_text="Whether a known outage touches him.")
    outages = OutageOfCaller(many=True)
    topic = LikelyTopic(allow_null=True)
    route = RouteOfCaller(allow_null=True)


# Its fields are made once, not for every call: the phone rings.
ROW = CallerRow()


class Ivr(ApiViewSet):
    """Questions of an IVR."""

    scope = "ivr"
    scopes: ClassVar = {"caller": Scope.IVR_READ}
    serializer_class = CallerRow

    @extend_schema(request=CallerForm, responses={200: CallerRow})
    @action(detail=False, methods=["post"])
    def caller(self, request: Request) -> Response:
        """Tell who calls, what about, which outage touches him, and where the call would go. Nothing is changed.

        An unknown number is an answer like any other. The audit log keeps who asked about whom.
        """
        form = self.read(CallerForm)
        phone = _phone("number", form["number"]) if form["number"] is not None else None
        found = ivr.ask(phone=phone, line=_line(form), topic=form.get("topic"))
        if found.customer is not None:
            audit.record(self.actor, "customer.view", f"customer:{found.customer.pk}", by="ivr")
        with translation.override(ivr.spoken(found.language)):
            return Response(ROW.to_representation(self._told(phone, found)))

    def _told(self, phone: str | None, found: ivr.Caller) -> dict[str, Any]:
        """Return what the caller of the API may know of it."""
        language, customer = translation.get_language(), found.customer
        may_know = customer is not None and self.actor.passes(Scope.CUSTOMERS_READ)
        likely, route = found.likely, found.route
        return {
            "number": phone,
            "status": found.resolved.status,
            "customer": customer.pk if customer else None,
            "candidates": found.resolved.customers,
            "name": customer.name if customer and may_know else None,
            "language": found.language or None,
            "segments": [segment.code for segment in found.segments],
            "attributes": customer.custom if customer and may_know else None,
            "cases": found.cases if self.actor.passes(Scope.CASES_READ) else None,
            "affected": bool(found.outages),
            "outages": [
                {"id": one.pk, "name": one.name, "words": one.said(language), "until": one.until}
                for one in found.outages
            ],
            "topic": likely and {"id": likely.topic.pk, "name": likely.topic.label(language), "why": likely.why.value},
            "route": route
            and {
                "line": route.line,
                "queue": {"id": route.queue.pk, "name": route.queue.label(language)},
                "open": route.door.open,
                "why": route.door.why,
                "opens_at": route.door.opens_at,
                "message": route.door.message,
                "wait_s": route.wait_s,
                "callback": route.callback,
            },
        }


def _phone(name: str, text: str) -> str:
    try:
        return normalise.phone(text)
    except Invalid as error:
        raise Invalid(error.message, field=name) from None


def _line(form: dict[str, Any]) -> Channel | None:
    if "line" in form and "called" in form:
        raise Invalid(_("Give the line or the dialled number, not both."), field="line")
    if "line" in form:
        line: Channel = form["line"]
        return line
    return ivr.line_of(_phone("called", form["called"]) if "called" in form else "")
