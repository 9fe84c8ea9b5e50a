"""Rows that belong to no app: events, the outbox, open tabs, audit, webhooks, kept answers."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cxcenter.core.querysets import DeliveryQuerySet, EventQuerySet, SubscriptionQuerySet


class Event(models.Model):
    """A fact about a customer that somebody would look for on a timeline. Append-only.

    `profile_id` is a plain number: the ground knows no app. The payload holds ids and codes, never
    names, addresses or text, so that an erasure has nothing to look for here.
    """

    profile_id = models.BigIntegerField(_("number of the profile"), null=True)
    kind = models.CharField(_("kind"), max_length=60)
    at = models.DateTimeField(_("when"), default=timezone.now)
    actor_id = models.BigIntegerField(_("number of the actor"), null=True)
    dedup = models.CharField(_("key against repeats"), max_length=120, unique=True, null=True)
    payload = models.JSONField(_("contents"), default=dict)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes: ClassVar = [
            # The timeline of a customer: top N of each of his profiles, newest first.
            models.Index(fields=["profile_id", "-at", "-id"], name="event_timeline"),
            # The same by kind: a few cases among very many page views.
            models.Index(fields=["profile_id", "kind", "-at", "-id"], name="event_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class Outbox(models.Model):
    """What still has to be handled. Deleted when done; a sweep finds what was left."""

    topic = models.CharField(_("topic"), max_length=60)
    payload = models.JSONField(_("contents"), default=dict)
    event = models.ForeignKey(Event, verbose_name=_("event"), null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    claimed_until = models.DateTimeField(_("claimed until"), db_index=True)
    tries = models.SmallIntegerField(_("tries"), default=0)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("outbox entry")
        verbose_name_plural = _("outbox")

    def __str__(self) -> str:
        return f"{self.topic} #{self.pk}"


class Tab(models.Model):
    """One open page of somebody: an operator's desk or a visitor's frame. Refreshed by heartbeats."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.CharField(max_length=60, db_index=True, help_text="operator:ID or thread:ID")
    opened_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.owner} {self.id}"


class Pulse(models.Model):
    """When a sweep last ran, and since when it has run without a gap: an outage signs nobody off."""

    name = models.CharField(max_length=40, primary_key=True)
    ran_at = models.DateTimeField()
    steady_since = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class AuditEntry(models.Model):
    """Who saw or changed what. Never edited, never deleted by hand."""

    at = models.DateTimeField(_("when"), default=timezone.now, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by whom"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    act = models.CharField(_("act"), max_length=60)
    subject = models.CharField(_("about what"), max_length=80, help_text="kind:ID")
    detail = models.JSONField(_("details"), default=dict)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        # Each card that is opened asks who looked at it in the last hour, however often it was looked at before.
        indexes: ClassVar = [models.Index(fields=["subject", "-at"], name="audit_of_subject")]

    def __str__(self) -> str:
        return f"{self.act} {self.subject}"


class WebhookSubscription(models.Model):
    """Where to send which events. Deliveries are signed with `secret` (HMAC-SHA256)."""

    name = models.CharField(_("name"), max_length=100)
    url = models.URLField(_("address"), max_length=500)
    topics = models.JSONField(_("topics"), default=list, help_text=_("Codes of events; an empty list means all."))
    secret = models.CharField(_("secret"), max_length=100)
    active = models.BooleanField(_("active"), default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("created by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook subscription")
        verbose_name_plural = _("webhook subscriptions")

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One event on its way to one subscriber, with the log of its tries."""

    class State(models.TextChoices):
        """Where the delivery stands."""

        PENDING = "pending", _("pending")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    subscription = models.ForeignKey(
        WebhookSubscription, verbose_name=_("webhook subscription"), on_delete=models.CASCADE, related_name="deliveries"
    )
    topic = models.CharField(_("topic"), max_length=60)
    key = models.CharField(_("key"), max_length=120)
    # Whom it tells of, so that an erasure finds it.
    profile_id = models.BigIntegerField(_("number of the profile"), null=True)
    body = models.JSONField(_("contents"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    tries = models.SmallIntegerField(_("tries"), default=0)
    due_at = models.DateTimeField(_("next try"), default=timezone.now)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    answered_at = models.DateTimeField(_("answered"), null=True)
    status_code = models.SmallIntegerField(_("status code"), null=True)
    error = models.CharField(_("error"), max_length=300, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints: ClassVar = [
            # A handler that runs twice makes one delivery.
            models.UniqueConstraint(fields=["subscription", "key"], name="delivery_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="delivery_due", condition=models.Q(state="pending")),
            # The log of a subscription, newest first.
            models.Index(fields=["subscription", "-created_at", "-id"], name="delivery_log"),
            models.Index(fields=["profile_id"], name="delivery_of_profile", condition=~models.Q(profile_id=None)),
        ]

    def __str__(self) -> str:
        return f"{self.topic} → {self.subscription_id}"


class KeptAnswer(models.Model):
    """The answer to a write with an Idempotency-Key: the same key gets the same answer for a day."""

    owner = models.CharField(max_length=60)
    key = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    status = models.SmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "key"], name="kept_answer_once")]

    def __str__(self) -> str:
        return f"{self.owner} {self.key}"
