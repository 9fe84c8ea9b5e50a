"""Questions about events and webhooks. The ground knows no roles: rights are asked by their codes."""

from typing import Any, Self

from django.db import models


class EventQuerySet(models.QuerySet[Any]):
    """Facts."""

    def visible_to(self, user: Any) -> Self:
        """Keep everything for who may see timelines."""
        return self if user.may("customers.view") else self.none()


class SubscriptionQuerySet(models.QuerySet[Any]):
    """Webhook subscriptions."""

    def visible_to(self, user: Any) -> Self:
        """Keep all for who changes settings, else one's own: an integration does not see another's."""
        return self if user.may("settings.edit") else self.filter(created_by=user)


class DeliveryQuerySet(models.QuerySet[Any]):
    """Webhook deliveries."""

    def visible_to(self, user: Any) -> Self:
        """Keep those of subscriptions that the user may see."""
        return self if user.may("settings.edit") else self.filter(subscription__created_by=user)
