"""Webhook subscriptions and the log of their deliveries."""

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from cxcenter.core import webhooks
from cxcenter.core.api.filters import TextFilter
from cxcenter.core.api.serializers import Empty, Strict
from cxcenter.core.api.viewsets import ApiViewSet
from cxcenter.core.models import WebhookDelivery, WebhookSubscription


class SubscriptionRow(serializers.ModelSerializer[WebhookSubscription]):
    """Where facts are sent."""

    topics = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = WebhookSubscription
        fields = ("id", "name", "url", "topics", "active", "created_at")


class NewSubscriptionRow(SubscriptionRow):
    """A subscription just made, with the secret that signs its deliveries. It is shown this once."""

    class Meta(SubscriptionRow.Meta):
        fields = (*SubscriptionRow.Meta.fields, "secret")  # type: ignore[assignment]


TOPICS = "Codes like interaction.closed; an empty list means all."
URL = "http(s), not in an internal network."


class SubscriptionForm(Strict):
    """A new subscription."""

    name = serializers.CharField(max_length=100)
    url = serializers.URLField(max_length=500, help_text=URL)
    topics = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=50, default=list, help_text=TOPICS
    )


class SubscriptionEdit(Strict):
    """What shall change of a subscription."""

    name = serializers.CharField(max_length=100, required=False)
    url = serializers.URLField(max_length=500, required=False, help_text=URL)
    topics = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=50, required=False, help_text=TOPICS
    )
    active = serializers.BooleanField(required=False)


class DeliveryRow(serializers.ModelSerializer[WebhookDelivery]):
    """One fact on its way to one subscriber."""

    body = serializers.DictField()

    class Meta:
        model = WebhookDelivery
        fields = (
            "id",
            "topic",
            "state",
            "tries",
            "created_at",
            "due_at",
            "answered_at",
            "status_code",
            "error",
            "body",
        )


class DeliveryFilter(django_filters.FilterSet):
    """Deliveries."""

    state = django_filters.ChoiceFilter(choices=WebhookDelivery.State.choices)
    topic = TextFilter(max_length=60)


class Webhooks(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Subscriptions of the caller; all for who may change settings."""

    scope = "webhooks"
    queryset = WebhookSubscription.objects.all()
    serializer_class = SubscriptionRow

    @extend_schema(request=SubscriptionForm, responses={201: NewSubscriptionRow})
    def create(self, request: Request) -> Response:
        """Subscribe. The answer holds the secret; it is shown this once."""
        made = webhooks.subscribe(actor=self.actor, **self.read(SubscriptionForm))
        return Response(NewSubscriptionRow(made).data, status=201)

    @extend_schema(request=SubscriptionEdit)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a subscription; `active: false` pauses it."""
        subscription = self.get_object()
        webhooks.change_subscription(subscription=subscription, actor=self.actor, **self.read(SubscriptionEdit))
        return self.show(subscription.pk)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a subscription with its log."""
        webhooks.unsubscribe(subscription=self.get_object(), actor=self.actor)
        return Response(status=204)


class Deliveries(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """The log of a subscription, newest first, kept for 30 days."""

    scope = "webhooks"
    keyset = ("-created_at", "-id")
    queryset = WebhookDelivery.objects.all()
    serializer_class = DeliveryRow
    filterset_class = DeliveryFilter
    lookup_value_converter = "uuid"

    def rows(self) -> Any:
        """Keep those of the subscription in the address."""
        return super().rows().filter(subscription=self.kwargs["subscription"])

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send it again, whatever became of it."""
        self.read(Empty)
        return self.show(webhooks.redeliver(delivery=self.get_object(), actor=self.actor).pk)
