"""Calls: one to a session of voice, and the facts from which all else of it follows."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from interactions.choices import Direction, Provider
from interactions.models.channels import Site, Topic
from interactions.models.exchanges import Exchange
from interactions.models.talk import Interaction
from interactions.querysets import CallQuerySet

USER = settings.AUTH_USER_MODEL


class CallLink(models.Model):
    """An address that was sent to one customer: who opens it calls from his browser, and the call is on that customer's card.

    It can be handed on, so it proves nothing of who calls. The first browser that calls by it has it: no other one may.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.CASCADE, related_name="call_links")
    profile = models.ForeignKey(
        "customers.Profile", verbose_name=_("customer"), on_delete=models.PROTECT, related_name="call_links"
    )
    topic = models.ForeignKey(Topic, verbose_name=_("topic"), null=True, on_delete=models.SET_NULL, related_name="+")
    case = models.ForeignKey("Case", verbose_name=_("case"), null=True, on_delete=models.SET_NULL, related_name="+")
    # To whom its calls come first.
    operator = models.ForeignKey(
        USER, verbose_name=_("meant for"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_by = models.ForeignKey(USER, verbose_name=_("made by"), null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    expires_at = models.DateTimeField(_("holds until"))
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    # Which browser has it, and since when.
    visitor = models.CharField(max_length=32, blank=True)
    claimed_at = models.DateTimeField(_("first call"), null=True)

    class Meta:
        verbose_name = _("call link")
        verbose_name_plural = _("call links")

    def __str__(self) -> str:
        return f"L-{self.pk}"


class Call(models.Model):
    """What is special of a session of voice. Its columns follow from its facts (interactions/calls/reducer.py)."""

    interaction = models.OneToOneField(
        Interaction, verbose_name=_("interaction"), primary_key=True, on_delete=models.CASCADE, related_name="voice"
    )
    provider = models.CharField(_("carried by"), max_length=8, choices=Provider, default=Provider.BROWSER)
    direction = models.CharField(_("direction"), max_length=3, choices=Direction, default=Direction.IN)
    # The customer's number in E.164; empty for a call from a browser.
    number = models.CharField(_("number"), max_length=20, blank=True)
    # The telephone exchange that carries and routes it; none where we do it ourselves.
    exchange = models.ForeignKey(
        Exchange, verbose_name=_("exchange"), null=True, on_delete=models.PROTECT, related_name="calls", db_index=False
    )
    # How the exchange names it: a call from a browser has no other name than its session's.
    key = models.CharField(_("name at the provider"), max_length=120, null=True)
    link = models.ForeignKey(
        CallLink, verbose_name=_("by link"), null=True, on_delete=models.SET_NULL, related_name="calls"
    )
    began_at = models.DateTimeField(_("began"), default=timezone.now)
    answered_at = models.DateTimeField(_("answered"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    talk_s = models.FloatField(_("talk, s"), default=0)
    hold_s = models.FloatField(_("hold, s"), default=0)
    # How many facts are known: a page that was told a lower number asks again.
    version = models.IntegerField(_("version"), default=0)

    # Of a call of an exchange: up to which version its visits and legs follow it.
    followed = models.IntegerField(default=0, db_default=0)

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        constraints: ClassVar = [models.UniqueConstraint(fields=["exchange", "key"], name="call_known_once")]
        indexes: ClassVar = [
            models.Index(fields=["began_at"], name="call_going", condition=models.Q(ended_at=None)),
            models.Index(fields=["-began_at", "-interaction"], name="call_recent"),
            models.Index(
                fields=["exchange"],
                name="call_unfollowed",
                condition=models.Q(exchange__isnull=False, followed__lt=models.F("version")),
            ),
        ]

    def __str__(self) -> str:
        return f"C-{self.pk}"


class CallFact(models.Model):
    """Something that happened in a call, as its provider or we saw it. Facts may come late, twice, or in any order."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="facts")
    key = models.CharField(max_length=120)
    at = models.DateTimeField()
    # What the source counted: the order of what it saw in one moment.
    order = models.BigIntegerField(default=0)
    kind = models.CharField(max_length=20)
    # "customer", "op:17" (a user), "ext:+7900…" (somebody outside), or nobody's.
    party = models.CharField(max_length=40, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["call", "key"], name="call_fact_once")]

    def __str__(self) -> str:
        return f"{self.call_id} {self.kind}"
