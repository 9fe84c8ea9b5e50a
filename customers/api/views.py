"""Calls about customers."""

from typing import Any, ClassVar

from django.shortcuts import redirect
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from customers import actions, normalise
from customers.api import filters, serializers
from customers.choices import IdentityKind, MergeReason
from customers.models import Customer, Identity, Merge, Profile, SourceRecord
from customers.queries import resolve, standing_for
from cxcenter.core import audit
from cxcenter.core.api.serializers import Empty
from cxcenter.core.api.viewsets import ApiViewSet
from cxcenter.core.errors import Invalid
from cxcenter.core.models import Event

# What a telephone platform, a till or a bot may know of somebody.
RESOLVED_BY = (IdentityKind.PHONE, IdentityKind.EMAIL, IdentityKind.CARD, IdentityKind.ACCOUNT, IdentityKind.EXTERNAL)

# Its fields are made once, not for every call: the phone rings.
ROW = serializers.CustomerRow()


class Customers(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Golden records."""

    scope = "customers"
    queryset = Customer.objects.all()
    serializer_class = serializers.CustomerRow
    detail_class = serializers.CustomerDetail
    parameters: ClassVar = {"resolve": RESOLVED_BY}
    filterset_class = filters.CustomerFilter

    def rows(self) -> Any:
        """Fetch identities where one customer is shown."""
        rows = super().rows()
        if self.action in {"retrieve", "partial_update"}:
            return rows.prefetch_related("profiles__links__identity")
        return rows.live() if self.action == "list" else rows

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Show a customer with provenance, profiles and identities. The audit log keeps who looked.

        The id of one who was merged into another leads to that other (301).
        """
        customer = self.get_object()
        if customer.merged_into_id is not None:
            return redirect("api:customer-detail", standing_for([customer.pk])[customer.pk], permanent=True)
        audit.record(self.actor, "customer.view", f"customer:{customer.pk}", by="api")
        return Response(self.get_serializer(customer).data)

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

    @extend_schema(
        parameters=[
            OpenApiParameter(kind, str, description="In any spelling. Give exactly one.") for kind in RESOLVED_BY
        ],
        responses={200: serializers.Resolved},
    )
    @action(detail=False, methods=["get"], url_path="resolve", filterset_class=None, pagination_class=None)
    def resolve(self, request: Request) -> Response:
        """Tell who is calling or writing: by a phone, an address, a card or an account. The audit log keeps who asked.

        Only verified identities lead to a customer. "ambiguous": several share it, or it was only stated.
        """
        asked = {kind: str(text) for kind, text in request.query_params.items() if kind in RESOLVED_BY}
        if len(asked) != 1:
            raise Invalid(_("Give exactly one of: %(names)s.") % {"names": ", ".join(RESOLVED_BY)})
        kind, text = asked.popitem()
        found = resolve(kind=kind, value=normalise.identity(kind, text))
        customer = self.rows().get(pk=found.customers[0]) if found.status == "found" else None
        if customer is not None:
            audit.record(self.actor, "customer.view", f"customer:{customer.pk}", by="api")
        row = ROW.to_representation(customer) if customer else None
        return Response({"status": found.status, "customer": row, "candidates": found.customers})


class SourceRecords(ApiViewSet):
    """What another system knows of somebody, under its own number."""

    scope = "customers"
    queryset = SourceRecord.objects.all()
    serializer_class = serializers.RecordForm
    lookup_field = "external_id"
    lookup_value_converter = "str"

    @extend_schema(
        request=serializers.RecordForm, responses={200: serializers.RecordResult, 201: serializers.RecordResult}
    )
    def update(self, request: Request, source: str, external_id: str) -> Response:
        """Put a record: new, changed or as it was, however often and in whatever order it comes."""
        said = self.read(serializers.RecordForm)
        reaches = [actions.Reach(**reach) for reach in said["identities"]]
        record, status = actions.put_record(
            said=actions.OutsideRecord(
                source=source,
                external_id=external_id[:120],
                fields=said["fields"],
                reaches=reaches,
                raw=dict(request.data),
                verified=said["verified"],
                at=said.get("at"),
            ),
            actor=self.actor,
        )
        owner = Profile.objects.values_list("customer_id", flat=True).get(pk=record.profile_id)
        answer = {"status": status, "record": record.pk, "profile": record.profile_id, "customer": owner}
        return Response(answer, status=201 if status == "created" else 200)


class Merges(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Golden records that became one."""

    scope = "customers"
    queryset = Merge.objects.all()
    serializer_class = serializers.MergeRow

    @extend_schema(request=serializers.MergeForm, responses={201: serializers.Merges})
    def create(self, request: Request) -> Response:
        """Merge customers. 409 (code "apart") if somebody decided that two of them are not the same person."""
        form = self.read(serializers.MergeForm)
        merges = actions.merge_customers(
            survivor=form["survivor"].pk,
            others=[other.pk for other in form["others"]],
            reason=MergeReason.API,
            actor=self.actor,
        )
        return Response({"results": serializers.MergeRow(merges, many=True).data}, status=201)

    @extend_schema(request=Empty, responses={200: serializers.MergeRow})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: int) -> Response:
        """Take a merge back. 409 (code "undone") if it was."""
        self.read(Empty)
        made = self.get_object()
        actions.unmerge(merge_id=made.pk, actor=self.actor)
        return self.show(made.pk)


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
