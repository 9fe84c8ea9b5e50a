"""Calls about customers."""

from typing import Any

from django.shortcuts import redirect
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from customers import actions
from customers.api import filters, serializers
from customers.models import Customer, Identity, Profile
from customers.queries import standing_for
from cxcenter.core import audit
from cxcenter.core.api.viewsets import ApiViewSet
from cxcenter.core.models import Event


class Customers(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Golden records."""

    scope = "customers"
    queryset = Customer.objects.all()
    serializer_class = serializers.CustomerRow
    detail_class = serializers.CustomerDetail
    filterset_class = filters.CustomerFilter

    def rows(self) -> Any:
        """Fetch identities where one customer is shown."""
        rows = super().rows()
        return rows.live() if self.action == "list" else rows.prefetch_related("profiles__links__identity")

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Show a customer with provenance, profiles and identities. The audit log keeps who looked.

        The id of one who was merged into another leads to that other (301).
        """
        customer = self.get_object()
        if customer.merged_into_id is not None:
            return redirect("api:customer-detail", standing_for([customer.pk])[customer.pk], permanent=True)
        answer = super().retrieve(request, *args, **kwargs)
        audit.record(self.actor, "customer.view", f"customer:{kwargs['pk']}", by="api")
        return answer

    @extend_schema(request=serializers.CustomerEdit)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change golden fields. 409 (code "stale") if somebody changed the card since `version`."""
        customer = self.get_object()
        fields = self.read(serializers.CustomerEdit)
        version = fields.pop("version")
        own = {f"custom.{code}": value for code, value in fields.pop("custom", {}).items()}
        if "birthday" in fields:
            fields["birthday"] = fields["birthday"].isoformat() if fields["birthday"] else ""
        actions.edit_customer(customer=customer, fields={**fields, **own}, version=version, actor=self.actor)
        return self.show(standing_for([customer.pk])[customer.pk])


class Profiles(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """What sources and first contacts know."""

    scope = "customers"
    queryset = Profile.objects.all()
    serializer_class = serializers.ProfileRow
    filterset_class = filters.ProfileFilter


class Identities(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Ways to recognise or reach customers."""

    scope = "customers"
    queryset = Identity.objects.prefetch_related("links__profile")
    serializer_class = serializers.IdentityRow
    filterset_class = filters.IdentityFilter


class Events(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Facts of timelines, in the order in which we learned them."""

    scope = "events"
    queryset = Event.objects.all()
    serializer_class = serializers.EventRow
    filterset_class = filters.EventFilter

    @extend_schema(request=serializers.OutsideEventsForm, responses={200: serializers.OutsideEventResults})
    def create(self, request: Request) -> Response:
        """Report up to 100 events from outside. They may come late, out of order and twice.

        An identity that leads to several customers is answered "ambiguous": a person has to choose first.
        """
        facts = [actions.OutsideFact(**fields) for fields in self.read(serializers.OutsideEventsForm)["events"]]
        outcomes = actions.record_outside_events(facts=facts, actor=self.actor)
        return Response({"results": [{"key": f.key, "status": o} for f, o in zip(facts, outcomes, strict=True)]})
