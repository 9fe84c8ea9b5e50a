"""Calls about customers."""

from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from customers import actions, normalise
from customers.api import filters, serializers
from customers.choices import ExportReason, IdentityKind, MergeReason
from customers.models import Customer, Identity, Membership, Merge, Profile, ProfileIdentity, SourceRecord
from customers.queries import KeptApart, apart_from, consents_of, owners_of, resolve, standing_for
from cxcenter.accounts.scopes import Scope
from cxcenter.core import audit
from cxcenter.core.api.serializers import Empty
from cxcenter.core.api.viewsets import ApiViewSet
from cxcenter.core.archive import zip_of
from cxcenter.core.errors import Invalid, NotFound
from cxcenter.core.models import Event

# What a telephone platform, a till or a bot may know of somebody.
RESOLVED_BY = (IdentityKind.PHONE, IdentityKind.EMAIL, IdentityKind.CARD, IdentityKind.ACCOUNT, IdentityKind.EXTERNAL)

# Its fields are made once, not for every call: the phone rings.
ROW = serializers.CustomerRow()


class _Refusal(JSONRenderer):
    """Lets a caller ask for an archive, whatever he accepts; what is refused is told in JSON all the same."""

    media_type = "*/*"


class Customers(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Golden records."""

    scope = "customers"
    scopes: ClassVar = {"export": Scope.CUSTOMERS_PERSONAL, "erase": Scope.CUSTOMERS_PERSONAL}
    queryset = Customer.objects.all()
    serializer_class = serializers.CustomerRow
    detail_class = serializers.CustomerDetail
    parameters: ClassVar = {"resolve": RESOLVED_BY, "export": ("reason",)}
    filterset_class = filters.CustomerFilter

    def rows(self) -> Any:
        """Fetch identities where one customer is shown."""
        rows = super().rows()
        if self.action in {"retrieve", "partial_update"}:
            return rows.prefetch_related("profiles__links__identity")
        return rows.live() if self.action == "list" else rows

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Show a customer with provenance, profiles and identities. The audit log keeps who looked.

        The id of one who was merged into another leads to that other (301). One who was erased is gone (410).
        """
        customer = self.get_object()
        if customer.merged_into_id is not None:
            return redirect("api:customer-detail", standing_for([customer.pk])[customer.pk], permanent=True)
        customer.refuse_erased()
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

    @extend_schema(
        parameters=[OpenApiParameter("reason", str, required=True, enum=ExportReason.values)],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    @action(detail=True, methods=["get"], renderer_classes=[_Refusal])
    def export(self, request: Request, *args: Any, **kwargs: Any) -> StreamingHttpResponse:
        """Send everything about a customer as a ZIP: `customer.json` and his files. The audit log keeps who took it and why."""
        customer = self._standing()
        pieces = actions.export_customer(
            customer=customer, reason=request.query_params.get("reason", ""), actor=self.actor
        )
        return zip_of(customer.number, pieces)

    @extend_schema(request=serializers.ErasureForm, responses={200: serializers.ErasureRow})
    @action(detail=True, methods=["post"])
    def erase(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Erase a customer for good, and all who were merged into him. 409 (code "open") while anything of his is open.

        What reports count stays. Repeating it changes nothing.
        """
        form = self.read(serializers.ErasureForm)
        done = actions.erase_customer(customer=self._standing(), actor=self.actor, **form)
        return Response(serializers.ErasureRow(done).data)

    @extend_schema(request=serializers.IdentityForm, responses={201: serializers.CustomerIdentity})
    @action(detail=True, methods=["post"], url_path="identities")
    def link(self, request: Request, pk: int) -> Response:
        """Link an identity to the customer. 409 if he has it (code "linked"), or others have it ("shared")."""
        customer, form = self._standing(), self.read(serializers.IdentityForm)
        identity = actions.typed_identity(kind=form["kind"], value=form["value"])
        link = self._link(customer, identity, form)
        return Response(serializers.CustomerIdentity(link, context=self.get_serializer_context()).data, status=201)

    def _link(self, customer: Customer, identity: Identity, form: dict[str, Any]) -> ProfileIdentity:
        shared, verified = form.get("shared"), form["verified"]
        if shared == "move" and owners_of(identity, besides=customer):
            actions.move_identity(identity=identity, to=customer, verified=verified, actor=self.actor)
            return ProfileIdentity.objects.filter(profile__customer=customer, identity=identity).earliest("pk")
        return actions.add_identity(
            customer=customer, identity=identity, verified=verified, shared=shared == "both", actor=self.actor
        )

    @extend_schema(request=serializers.IdentityMarks, responses={200: serializers.CustomerIdentity})
    @action(detail=True, methods=["patch"], url_path="identities/<int:identity>")
    def mark(self, request: Request, pk: int, identity: int) -> Response:
        """Say whether an identity of the customer is verified, and whether it is the main one of its kind."""
        customer, marks = self._standing(), self.read(serializers.IdentityMarks)
        links = ProfileIdentity.objects.filter(profile__customer=customer, identity=identity)
        link = links.select_related("identity").order_by("pk").first()
        if link is None:
            raise NotFound(_("This customer has no such identity."))
        if "verified" in marks:
            actions.verify_identity(
                customer=customer, identity=link.identity, verified=marks["verified"], actor=self.actor
            )
        if "primary" in marks:
            actions.prefer_identity(
                customer=customer, identity=link.identity, primary=marks["primary"], actor=self.actor
            )
        link.refresh_from_db()
        return Response(serializers.CustomerIdentity(link, context=self.get_serializer_context()).data)

    @extend_schema(request=None, responses={204: None})
    @mark.mapping.delete
    def unlink(self, request: Request, pk: int, identity: int) -> Response:
        """Take an identity off the customer: no source links it again. Repeating it changes nothing."""
        customer = self._standing()
        found = Identity.objects.filter(links__profile__customer=customer, pk=identity).first()
        if found is not None:
            actions.unlink_identity(customer=customer, identity=found, actor=self.actor)
        return Response(status=204)

    @extend_schema(responses={200: serializers.StandingConsents})
    @action(detail=True, methods=["get"], url_path="consents", filterset_class=None, pagination_class=None)
    def consents(self, request: Request, pk: int) -> Response:
        """Tell what the customer permits, by purpose and channel."""
        return Response(serializers.StandingConsents({"results": consents_of(self._standing().pk)}).data)

    @extend_schema(request=serializers.ConsentForm, responses={201: serializers.StandingConsents})
    @consents.mapping.post
    def record_consent(self, request: Request, pk: int) -> Response:
        """Record a consent or its withdrawal for one of his identities; answers what stands now."""
        customer, form = self._standing(), self.read(serializers.ConsentForm)
        words, identity = form.pop("proof"), form.pop("identity")
        actions.record_consent_by_hand(customer=customer, identity_id=identity, words=words, actor=self.actor, **form)
        return Response(serializers.StandingConsents({"results": consents_of(customer.pk)}).data, status=201)

    @extend_schema(responses={200: serializers.ApartRows})
    @action(detail=True, methods=["get"], url_path="apart", filterset_class=None, pagination_class=None)
    def apart(self, request: Request, pk: int) -> Response:
        """Tell who was found not to be the same person as the customer, the newest decision first; 100 at the most."""
        return Response(serializers.ApartRows({"results": apart_from(self._standing())}).data)

    @extend_schema(request=serializers.ApartForm, responses={201: serializers.ApartRow})
    @apart.mapping.post
    def keep_apart(self, request: Request, pk: int) -> Response:
        """Decide that the customer and another are not the same person. 409 (code "one") if they are one customer."""
        customer, other = self._standing(), self._standing_for(self.read(serializers.ApartForm)["other"])
        kept = actions.keep_apart(one=customer.pk, other=other.pk, actor=self.actor)
        return Response(serializers.ApartRow(KeptApart(other, kept)).data, status=201)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["delete"], url_path="apart/<int:other>")
    def join_again(self, request: Request, pk: int, other: int) -> Response:
        """Take back that the customer and another are not the same person. Repeating it changes nothing."""
        customer, asked = self._standing(), self.rows().filter(pk=other).first()
        if asked is None:
            raise NotFound(_("There is no such customer."))
        for kept in apart_from(customer, other=self._standing_for(asked)):
            actions.take_apart_back(apart_id=kept.decision.pk, actor=self.actor)
        return Response(status=204)

    def _standing(self) -> Customer:
        """Return the customer who stands for the one that is asked for."""
        return self._standing_for(self.get_object())

    def _standing_for(self, customer: Customer) -> Customer:
        return self.rows().get(pk=standing_for([customer.pk])[customer.pk])


class SourceRecords(ApiViewSet):
    """What another system knows of somebody, under its own number."""

    scope = "customers"
    queryset = SourceRecord.objects.all()
    serializer_class = serializers.RecordForm
    lookup_field = "external_id"
    # Numbers of other systems have slashes and dots in them.
    lookup_value_converter = "path"

    @extend_schema(
        request=serializers.RecordForm, responses={200: serializers.RecordResult, 201: serializers.RecordResult}
    )
    def update(self, request: Request, source: str, external_id: str) -> Response:
        """Put a record: new, changed or as it was, however often and in whatever order it comes.

        "erased": it is of somebody who was erased, and is not kept.
        """
        said = self.read(serializers.RecordForm)
        reaches = [actions.Reach(**reach) for reach in said["identities"]]
        record, status = actions.put_record(
            said=actions.OutsideRecord(
                source=source,
                external_id=external_id[:120],
                fields=said["fields"],
                reaches=reaches,
                company=_workplace(source, said.get("company")),
                consents=[actions.StatedConsent(words=one.pop("proof"), **one) for one in said["consents"]],
                raw=dict(request.data),
                verified=said["verified"],
                at=said.get("at"),
            ),
            actor=self.actor,
        )
        if record is None:
            return Response({"status": status, "record": None, "profile": None, "customer": None})
        owner = Profile.objects.values_list("customer_id", flat=True).get(pk=record.profile_id)
        answer = {"status": status, "record": record.pk, "profile": record.profile_id, "customer": owner}
        return Response(answer, status=201 if status == "created" else 200)


def _workplace(source: str, said: dict[str, str] | None) -> actions.Workplace | None:
    return actions.Workplace(**{"source": source, **said}) if said else None


class Memberships(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """People of companies: who speaks for a business customer, and as what. Who has left is not among them."""

    scope = "customers"
    queryset = Membership.objects.standing().select_related("company", "person")
    serializer_class = serializers.MembershipRow
    filterset_class = filters.MembershipFilter

    @extend_schema(request=serializers.MembershipForm, responses={201: serializers.MembershipRow})
    def create(self, request: Request) -> Response:
        """Put a person into a company. 409 (code "member") if he is there already."""
        made = actions.add_member(actor=self.actor, **self.read(serializers.MembershipForm))
        return self.show(made.pk, status=201)

    @extend_schema(request=serializers.RoleForm)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give the person another role."""
        member = self.get_object()
        actions.change_role(membership_id=member.pk, actor=self.actor, **self.read(serializers.RoleForm))
        return self.show(member.pk)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say that the person has left: the source that said so does not put him back."""
        actions.end_membership(membership_id=self.get_object().pk, actor=self.actor)
        return Response(status=204)


class Merges(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Golden records that became one, the last first: by a person, by what they share, or in an import."""

    scope = "customers"
    keyset = ("-at", "-id")
    queryset = Merge.objects.all()
    serializer_class = serializers.MergeRow
    filterset_class = filters.MergeFilter

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
