"""Sessions and messages, read-only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from cxcenter.core.adminkit import JournalAdmin, ReadInline, act_on_each, badge
from interactions.actions import talk
from interactions.choices import CloseReason
from interactions.models import Interaction, Message
from interactions.wording import system_words

STATES = {
    "open": "ok",
    CloseReason.SPAM: "bad",
    CloseReason.LEFT: "warn",
    CloseReason.SILENT: "warn",
    CloseReason.REFUSED: "warn",
}


def words(message: Message) -> str:
    """Return what was said, or the system's line in the reader's language."""
    return system_words(message.code, message.args) if message.code else message.text


class MessageInline(ReadInline):
    """What was said, in order."""

    model = Message
    fk_name = "interaction"
    fields = ("at", "author", "user", "said", "audience")
    readonly_fields = ("said",)
    ordering = ("seq",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Fetch the authors with their messages."""
        rows: QuerySet[Message] = super().get_queryset(request)
        return rows.select_related("user")

    @display(description=_("text"))
    def said(self, message: Message) -> str:
        """Show the words."""
        return words(message)


@admin.register(Interaction)
class InteractionAdmin(JournalAdmin):
    """Sessions."""

    has_number = True
    list_display = ("number", "standing", "kind", "customer", "topic", "language", "opened_at", "closed_at")
    list_filter = ("kind", "close_reason", "topic", "disposition", "language")
    list_select_related = ("profile__customer", "topic")
    search_fields = ("profile__customer__name",)
    search_help_text = _("A customer's name, or a number like S-12.")
    date_hierarchy = "last_message_at"
    ordering = ("-last_message_at", "-id")
    inlines = (MessageInline,)
    actions = ("close", "mark_spam")
    fieldsets = (
        (None, {"fields": (("standing", "kind"), ("profile", "topic"), "language")}),
        (
            _("Times"),
            {"fields": (("opened_at", "first_reply_at"), ("last_message_at", "waiting_since"), "closed_at")},
        ),
        (_("Outcome"), {"fields": (("disposition", "solved"), "wrap_note")}),
        (_("What the visitor said of himself"), {"fields": ("says", "page"), "classes": ("collapse",)}),
    )

    @display(description=_("number"), ordering="pk")
    def number(self, session: Interaction) -> str:
        """Show the number people say aloud."""
        return str(session)

    @display(description=_("state"))
    def standing(self, session: Interaction) -> SafeString:
        """Show whether the session goes on, or why it ended."""
        if session.is_open:
            return badge(STATES, "open", _("open"))
        return badge(STATES, session.close_reason, session.get_close_reason_display() or _("closed"))

    @display(description=_("customer"))
    def customer(self, session: Interaction) -> str:
        """Name the customer."""
        return str(session.profile.customer) if session.profile else ""

    @admin.action(description=_("Close the sessions"), permissions=["view"])
    def close(self, request: HttpRequest, rows: QuerySet[Interaction]) -> None:
        """End the chosen sessions; their customers are told."""
        reason = CloseReason.FINISHED
        act_on_each(
            request,
            rows,
            lambda row: talk.close_interaction(interaction_id=row.pk, reason=reason, actor=request.user),  # type: ignore[arg-type]
        )

    @admin.action(description=_("Close as spam"), permissions=["view"])
    def mark_spam(self, request: HttpRequest, rows: QuerySet[Interaction]) -> None:
        """End the chosen sessions as spam."""
        act_on_each(request, rows, lambda row: talk.mark_spam(interaction_id=row.pk, actor=request.user))  # type: ignore[arg-type]


@admin.register(Message)
class MessageAdmin(JournalAdmin):
    """Messages of all sessions."""

    list_display = ("at", "interaction", "author", "user", "said", "audience")
    list_filter = ("author", "audience")
    list_select_related = ("interaction", "user")
    search_fields = ("=interaction__id",)
    search_help_text = _("The number of a session, without letters.")

    @display(description=_("text"))
    def said(self, message: Message) -> str:
        """Show the first words."""
        return Truncator(words(message)).chars(120)
