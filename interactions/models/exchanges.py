"""Telephone exchanges that route by themselves: where they are, whose their phones are, what they are asked to do."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from interactions.choices import ChannelKind, ExchangeKind
from interactions.models.channels import Channel


class Exchange(models.Model):
    """A telephone exchange: it decides who gets which call, and we follow."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=ExchangeKind, default=ExchangeKind.ASTERISK)
    channel = models.ForeignKey(
        Channel,
        verbose_name=_("channel"),
        on_delete=models.PROTECT,
        related_name="exchanges",
        limit_choices_to={"kind": ChannelKind.VOICE},
        help_text=_("A channel of kind Voice. Its entrance takes the calls whose queue is not named below."),
    )
    active = models.BooleanField(_("active"), default=True)
    host = models.CharField(_("host"), max_length=200, blank=True)
    port = models.PositiveIntegerField(
        _("port"), default=5038, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    username = models.CharField(_("user"), max_length=80, blank=True)
    secret = models.CharField(_("secret"), max_length=200, blank=True)
    # Of a SIP platform alone: `host` is its domain, `secret` signs the names under which browsers register.
    socket = models.CharField(
        _("address for browsers"),
        max_length=200,
        blank=True,
        help_text=_("wss://sip.example.com/ws of a SIP platform."),
    )
    context = models.CharField(
        _("context of dialling"),
        max_length=80,
        default="default",
        help_text=_("Where the dialplan finds the numbers to which calls are handed over."),
    )
    caller_id = models.CharField(
        _("own number"),
        max_length=40,
        blank=True,
        help_text=_("What whoever is called sees, unless the queue for which one calls has a number of its own."),
    )
    # Of a platform by HTTP.
    url = models.URLField(
        _("address for commands"),
        max_length=500,
        blank=True,
        help_text=_("Commands are posted to it, signed. Empty: the platform asks for them."),
    )
    controls = models.JSONField(
        _("controls"),
        default=list,
        blank=True,
        help_text=_("What the platform can be asked to do. Others are not shown."),
    )
    # How the line stands: since when it does, or why it does not.
    connected_at = models.DateTimeField(null=True, editable=False)
    trouble = models.CharField(max_length=300, blank=True, editable=False)
    # Raised by each change of its settings, phones and queues: whoever keeps the line sees that it is to be built anew.
    version = models.IntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("telephone exchange")
        verbose_name_plural = _("telephone exchanges")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Extension(models.Model):
    """Whose a phone is. Its `state` is what the exchange says of it last; `pauses` is what we have asked for it last."""

    exchange = models.ForeignKey(Exchange, on_delete=models.CASCADE, related_name="extensions")
    interface = models.CharField(
        _("phone"),
        max_length=80,
        help_text=_("As the queues of the exchange name it: PJSIP/1017, or the agent's name of a platform."),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("operator"), on_delete=models.CASCADE, related_name="extensions"
    )
    password = models.CharField(
        _("password"),
        max_length=80,
        blank=True,
        help_text=_("Of a SIP platform that takes no short-lived credentials. Empty: it takes them."),
    )
    state = models.CharField(_("state there"), max_length=12, blank=True)
    state_reason = models.CharField(max_length=80, blank=True)
    state_at = models.DateTimeField(_("since"), null=True)
    pauses = models.BooleanField(null=True)
    asked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("phone")
        verbose_name_plural = _("phones")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["exchange", "interface"], name="extension_once"),
            models.UniqueConstraint(fields=["exchange", "user"], name="extension_of_user_once"),
        ]

    def __str__(self) -> str:
        return self.interface

    @property
    def number(self) -> str:
        """The number by which colleagues dial it: 1017 of PJSIP/1017."""
        return self.interface.rpartition("/")[2].partition("@")[0]


class CallCommand(models.Model):
    """What an exchange is asked to do. The call itself changes when the exchange says so, and never before."""

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    exchange = models.ForeignKey(Exchange, on_delete=models.CASCADE, related_name="commands")
    # Empty for what concerns a phone alone: its pause.
    call = models.ForeignKey("Call", null=True, on_delete=models.CASCADE, related_name="commands")
    # One of interactions/calls/table.py, or "pause_member", "unpause_member", "originate".
    control = models.CharField(_("control"), max_length=20)
    party = models.CharField(_("party"), max_length=40)
    value = models.CharField(_("value"), max_length=80, blank=True)
    caller_id = models.CharField(_("own number"), max_length=40, blank=True)
    key = models.CharField(max_length=120, unique=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    words = models.CharField(_("answer"), max_length=300, blank=True)
    # How often it was posted to a platform, and when it is posted again.
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    done_at = models.DateTimeField(_("done"), null=True)

    class Meta:
        verbose_name = _("command to an exchange")
        verbose_name_plural = _("commands to exchanges")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["exchange", "id"], name="command_open", condition=Q(state__in=["waiting", "sent"])),
        ]

    def __str__(self) -> str:
        return f"{self.control} {self.party}"


class Dialled(models.Model):
    """A number that an operator has dialled at the desk, and what for. The call is known when the exchange tells of it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dialled", db_index=False)
    exchange = models.ForeignKey(Exchange, on_delete=models.CASCADE, related_name="+", db_index=False)
    # In E.164.
    number = models.CharField(max_length=40)
    profile = models.ForeignKey("customers.Profile", null=True, on_delete=models.CASCADE, related_name="+")
    case = models.ForeignKey("Case", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    call = models.OneToOneField("Call", null=True, on_delete=models.SET_NULL, related_name="dialled")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "-at"], name="dialled_last")]

    def __str__(self) -> str:
        return f"D-{self.pk}"
