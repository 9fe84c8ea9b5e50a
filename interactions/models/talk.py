"""Threads, interactions and messages: what was said."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KT
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from interactions.choices import Audience, Author, ChannelKind, CloseReason
from interactions.models.channels import Channel, Topic
from interactions.querysets import InteractionQuerySet, MessageQuerySet, ThreadQuerySet
from interactions.search import Words


class Thread(models.Model):
    """Everything with one identity in one channel, endless.

    It has one change counter per audience. Each visible change of a message, mark or note takes the next
    number; the customer's counter never moves for what he may not see. The page that misses a number
    asks for what it missed.
    """

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="threads")
    identity = models.ForeignKey("customers.Identity", on_delete=models.PROTECT, related_name="threads")
    profile = models.ForeignKey("customers.Profile", on_delete=models.PROTECT, related_name="threads")
    created_at = models.DateTimeField(default=timezone.now)
    last_seq = models.IntegerField(default=0)
    staff_changes = models.IntegerField(default=0)
    customer_changes = models.IntegerField(default=0)
    # Marks: up to which seq each side has got and read.
    customer_got_seq = models.IntegerField(default=0)
    customer_read_seq = models.IntegerField(default=0)
    staff_read_seq = models.IntegerField(default=0)
    # The page the visitor is on, as his browser says: {"url", "title", "referrer", "utm"}.
    page = models.JSONField(default=dict)

    objects = ThreadQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["channel", "identity"], name="thread_once")]

    def __str__(self) -> str:
        return f"thread {self.pk}"


class Disposition(models.Model):
    """The outcome chosen at wrap-up: a tree."""

    name = models.CharField(_("name"), max_length=80)
    name_ru = models.CharField(_("name in Russian"), max_length=80, blank=True)
    parent = models.ForeignKey(
        "self", verbose_name=_("under"), null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    solved = models.BooleanField(_("counts as solved"), default=False)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("disposition")
        verbose_name_plural = _("dispositions")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def label(self, language: str) -> str:
        """Return the name in the reader's language."""
        return self.name_ru if language == "ru" and self.name_ru else self.name


class Interaction(models.Model):
    """One contact in one channel (on screen: session)."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    thread = models.ForeignKey(Thread, verbose_name=_("thread"), on_delete=models.PROTECT, related_name="interactions")
    # Empty while the session is on nobody's card (a family phone).
    profile = models.ForeignKey(
        "customers.Profile", verbose_name=_("profile"), null=True, on_delete=models.PROTECT, related_name="interactions"
    )
    kind = models.CharField(_("channel"), max_length=12, choices=ChannelKind)
    topic = models.ForeignKey(Topic, verbose_name=_("topic"), null=True, on_delete=models.SET_NULL, related_name="+")
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    language = models.CharField(_("language"), max_length=5, default="en")
    opened_at = models.DateTimeField(_("began"), default=timezone.now)
    closed_at = models.DateTimeField(_("ended"), null=True)
    close_reason = models.CharField(_("how it ended"), max_length=10, choices=CloseReason, blank=True)
    # The oldest message of the customer that nobody has answered: an answer is due since then.
    waiting_since = models.DateTimeField(_("waits since"), null=True)
    first_reply_at = models.DateTimeField(_("first reply"), null=True)
    last_message_at = models.DateTimeField(_("last message"), default=timezone.now)
    last_message = models.ForeignKey("Message", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    unread = models.IntegerField(default=0)
    warned_silent_at = models.DateTimeField(null=True)
    # What the visitor typed before the chat: {"name", "contact"}; unverified, shown as "says he is".
    says = models.JSONField(_("said of himself"), default=dict)
    page = models.JSONField(_("page"), default=dict)
    # What an answer in a menu, a bot or a program asks for, besides the rules: skill id → least level (see routing).
    asked = models.JSONField(_("skills asked for"), default=dict, db_default={})
    disposition = models.ForeignKey(
        Disposition, verbose_name=_("disposition"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    wrap_note = models.TextField(_("note"), blank=True)
    solved = models.BooleanField(_("solved"), null=True)

    objects = InteractionQuerySet.as_manager()

    class Meta:
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["thread"], name="one_open_interaction", condition=Q(closed_at=None)),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-last_message_at", "-id"], name="interaction_recent"),
            models.Index(fields=["profile", "-opened_at"], name="interaction_of_profile"),
            # The sweep of silent chats.
            models.Index(fields=["last_message_at"], name="interaction_open", condition=Q(closed_at=None)),
            # What was typed of somebody who is erased, on whosever card.
            models.Index(KT("says__contact"), name="interaction_says", condition=Q(says__has_key="contact")),
        ]

    def __str__(self) -> str:
        return f"S-{self.pk}"

    @property
    def caller(self) -> str:
        """How to call the customer: by his golden name, else as he says, else by a number."""
        customer = self.profile.customer if self.profile else None
        said = (customer.name if customer else "") or self.says.get("name", "")
        return said or str(_("Visitor %(number)s") % {"number": self.thread_id})

    @property
    def is_open(self) -> bool:
        """Tell whether the session goes on."""
        return self.closed_at is None


class Message(models.Model):
    """One utterance. `seq` is its place in the thread; `changed_*` the number of its last visible change."""

    thread = models.ForeignKey(Thread, verbose_name=_("thread"), on_delete=models.PROTECT, related_name="messages")
    interaction = models.ForeignKey(
        Interaction, verbose_name=_("interaction"), on_delete=models.PROTECT, related_name="messages"
    )
    channel = models.ForeignKey(
        Channel, verbose_name=_("channel"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    seq = models.IntegerField(_("place in the thread"))
    staff_changed = models.IntegerField(_("change for staff"))
    customer_changed = models.IntegerField(
        _("change for the customer"), default=0, help_text="0: the customer never sees it"
    )
    author = models.CharField(_("author"), max_length=8, choices=Author)
    audience = models.CharField(_("who may read it"), max_length=5, choices=Audience, default=Audience.ALL)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("operator"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    text = models.TextField(_("text"), blank=True)
    # System lines: a code and its arguments, worded for each reader.
    code = models.CharField(_("code of the line"), max_length=40, blank=True)
    args = models.JSONField(_("details"), default=dict)
    client_key = models.UUIDField(_("client key"), null=True)
    external_id = models.CharField(_("number there"), max_length=120, null=True)
    at = models.DateTimeField(_("when"), default=timezone.now)
    withdrawn_at = models.DateTimeField(_("taken back"), null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["thread", "seq"], name="message_place"),
            # A retry of a send finds the first one.
            models.UniqueConstraint(fields=["thread", "client_key"], name="message_sent_once"),
            models.UniqueConstraint(fields=["channel", "external_id"], name="message_received_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["interaction", "seq"], name="message_of_interaction"),
            # Of all messages: of an index of some PostgreSQL keeps no statistics, and knows no common word from a rare one.
            # What waits to be sorted in is sorted in by whoever fills it up, in kB: small, so that nobody waits for it long.
            GinIndex(Words("text"), name="message_words", gin_pending_list_limit=512),
        ]

    def __str__(self) -> str:
        return f"{self.thread_id}/{self.seq}"


class Attachment(models.Model):
    """A file of a message, checked by its content, served as a download from a place that runs nothing."""

    class Kind(models.TextChoices):
        """What the content turned out to be."""

        IMAGE = "image", _("image")
        PDF = "pdf", _("PDF")
        TEXT = "text", _("text")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    file = models.FileField(upload_to="attachments/%Y/%m/%d/")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=5, choices=Kind)
    content_type = models.CharField(max_length=80)
    size = models.IntegerField()
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)

    def __str__(self) -> str:
        return self.name


class DoomedFile(models.Model):
    """A stored file whose row was erased: its bytes go next, and again if that fails."""

    name = models.CharField(max_length=200)
    storage = models.CharField(max_length=20, default="default", db_default="default")

    def __str__(self) -> str:
        return self.name


class Draft(models.Model):
    """What an operator has begun to write, kept on the server, so that every browser shows it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    interaction = models.ForeignKey(Interaction, on_delete=models.CASCADE, related_name="drafts")
    text = models.TextField(blank=True)
    is_note = models.BooleanField(default=False)
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "interaction"], name="draft_once")]

    def __str__(self) -> str:
        return f"draft of {self.user_id} in {self.interaction_id}"
