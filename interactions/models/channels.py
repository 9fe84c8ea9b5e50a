"""Channels, the sites that embed the widget, topics, and who is blocked."""

import secrets
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers import normalise
from cxcenter.core.errors import Invalid
from interactions.choices import ChannelKind, Music


def new_site_key() -> str:
    """Return a public key that names a site in its script tag."""
    return secrets.token_hex(8)


def new_secret() -> str:
    """Return a secret for signing the site's own users."""
    return secrets.token_urlsafe(32)


class Channel(models.Model):
    """One line to customers: a site's chat, a messenger account, a mailbox."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=ChannelKind)
    active = models.BooleanField(_("active"), default=True)
    number = models.CharField(
        _("number that customers dial"),
        max_length=20,
        blank=True,
        db_default="",
        help_text=_("Of a line of calls. By it an IVR that names the dialled number finds the line."),
    )
    hold_s = models.PositiveIntegerField(
        _("hold the place for, s"),
        default=300,
        help_text=_("How long after the last message a contact keeps its place in the operator's load."),
    )
    return_s = models.PositiveIntegerField(
        _("return to the same operator within, s"),
        default=3600,
        help_text=_("A customer who writes again within this time comes back to the same operator if he is ready."),
    )
    warn_silent_s = models.PositiveIntegerField(
        _("warn a silent customer after, s"), default=900, help_text=_("0 switches the warning and the closing off.")
    )
    close_silent_s = models.PositiveIntegerField(_("close a silent chat after the warning, s"), default=300)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["number"],
                name="channel_number_once",
                condition=~models.Q(number=""),
                violation_error_message=_("Another channel has this number."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Write the number as all numbers are kept. Raises ValidationError for one that is none, or of no line."""
        super().clean()
        if not self.number:
            return
        if self.kind != ChannelKind.VOICE:
            raise ValidationError({"number": _("Only a line of calls has a number.")})
        try:
            self.number = normalise.phone(self.number)
        except Invalid as error:
            raise ValidationError({"number": str(error.message)}) from None


class Topic(models.Model):
    """What a contact is about: a tree. Visitors choose from it, operators set it at wrap-up."""

    name = models.CharField(_("name"), max_length=80)
    name_ru = models.CharField(_("name in Russian"), max_length=80, blank=True)
    parent = models.ForeignKey(
        "self", verbose_name=_("under"), null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    urgent = models.BooleanField(
        _("emergency"),
        default=False,
        db_default=False,
        help_text=_("Its contacts, and those of the topics under it, come before all others."),
    )
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def label(self, language: str) -> str:
        """Return the name in the reader's language."""
        return self.name_ru if language == "ru" and self.name_ru else self.name


class Site(models.Model):
    """A site that embeds the chat: its key, its allowed origins, its form, its words."""

    channel = models.OneToOneField(Channel, verbose_name=_("channel"), on_delete=models.PROTECT, related_name="site")
    key = models.CharField(_("key"), max_length=32, unique=True, default=new_site_key)
    voice = models.ForeignKey(
        Channel,
        verbose_name=_("channel of calls from the browser"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="voice_sites",
        limit_choices_to={"kind": ChannelKind.VOICE},
        help_text=_("Empty: the site offers no calls. Give the channel an entrance to a queue."),
    )
    title = models.CharField(_("title in the chat's head"), max_length=60)
    origins = models.JSONField(
        _("allowed origins"),
        default=list,
        help_text=_("For example https://shop.example. Only these may embed the chat."),
    )
    colour = models.CharField(
        _("colour"),
        max_length=7,
        default="#14545c",
        validators=[RegexValidator(r"^#[0-9a-f]{6}$", _("Write the colour as #rrggbb."))],
    )
    greeting = models.CharField(_("greeting"), max_length=300, blank=True)
    greeting_ru = models.CharField(_("greeting in Russian"), max_length=300, blank=True)
    ask_name = models.BooleanField(_("ask for the name"), default=True)
    ask_contact = models.BooleanField(_("ask for a phone or e-mail"), default=True)
    need_contact = models.BooleanField(_("a phone or e-mail is required"), default=False)
    ask_topic = models.BooleanField(_("ask for the topic"), default=True)
    link_hours = models.PositiveIntegerField(
        _("a call link holds for, hours"),
        default=24,
        db_default=24,
        validators=[MinValueValidator(1), MaxValueValidator(720)],
        help_text=_("Staff sends it to a customer, who calls by it without saying who he is."),
    )
    music = models.CharField(
        _("who waits for an answer hears"), max_length=8, choices=Music, default=Music.NONE, db_default=Music.NONE
    )
    music_file = models.FileField(_("file with the music"), upload_to="music/", blank=True)
    music_licence = models.BooleanField(
        _("we may play this music to our callers"),
        default=False,
        db_default=False,
        help_text=_("Music that was bought to listen to may not be played to the public: its licence must say so."),
    )
    topics = models.ManyToManyField(Topic, verbose_name=_("topics to choose from"), blank=True)
    ask_consent = models.BooleanField(_("ask for consent to the processing of data"), default=True)
    consent_url = models.URLField(_("address of the consent text"), blank=True)
    contact_line = models.CharField(_("line at the foot when away"), max_length=120, blank=True)
    user_secret = models.CharField(
        _("secret for signed users"),
        max_length=100,
        default=new_secret,
        help_text=_("The site signs its own users with it (JWT, HS256, five minutes at most)."),
    )
    tracked_types = models.JSONField(
        _("events the site may report"), default=list, help_text=_("Besides page_view. For example cart_add.")
    )
    gone_after_s = models.PositiveIntegerField(
        _("a visitor is gone after, s"), default=60, validators=[MinValueValidator(15)]
    )
    keep_place_s = models.PositiveIntegerField(_("a visitor who comes back within, s, keeps his place"), default=3600)
    rate_per_min = models.PositiveIntegerField(_("messages a minute from one visitor"), default=60)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")

    def __str__(self) -> str:
        return self.title


class Block(models.Model):
    """An identity that may not write to us until a time."""

    identity = models.ForeignKey(
        "customers.Identity", verbose_name=_("identity"), on_delete=models.CASCADE, related_name="blocks"
    )
    until = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    blocked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("blocked by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")

    def __str__(self) -> str:
        return f"{self.identity} until {self.until:%Y-%m-%d %H:%M}"
