"""Pages of the journal: events, audit, outbox, webhooks, changes of settings."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from cxcenter.core import actions, audit, webhooks
from cxcenter.core.adminkit import JournalAdmin, ReadInline, SettingsAdmin, act_on_each, badge, copyable
from cxcenter.core.errors import Invalid
from cxcenter.core.models import AuditEntry, Event, Outbox, WebhookDelivery, WebhookSubscription

KINDS = {str(ADDITION): "ok", str(CHANGE): "info", str(DELETION): "bad"}
STATES = {"pending": "warn", "delivered": "ok", "failed": "bad"}


@admin.register(LogEntry)
class ChangeAdmin(JournalAdmin):
    """Who changed which setting here."""

    list_display = ("action_time", "user", "kind", "setting", "what")
    list_filter = ("action_flag", "user", "content_type")
    search_fields = ("object_repr", "change_message")
    date_hierarchy = "action_time"
    list_select_related = ("user", "content_type")
    fields = ("action_time", "user", "kind", "content_type", "object_repr", "what")
    readonly_fields = ("kind", "what")

    @display(description=_("what was done"))
    def kind(self, entry: LogEntry) -> SafeString:
        """Show the kind of change as a label."""
        return badge(KINDS, str(entry.action_flag), entry.get_action_flag_display())

    @display(description=_("setting"))
    def setting(self, entry: LogEntry) -> SafeString | str:
        """Link to what was changed, if it is still there."""
        url = entry.get_admin_url() if not entry.is_deletion() else None
        name = f"{entry.content_type}: {entry.object_repr}"
        return format_html('<a href="{}">{}</a>', url, name) if url else name

    @display(description=_("details"))
    def what(self, entry: LogEntry) -> str:
        """Say which fields were changed."""
        return entry.get_change_message()


@admin.register(AuditEntry)
class AuditAdmin(JournalAdmin):
    """Who saw or changed what in customer data, queues and states."""

    list_display = ("at", "actor", "did", "act", "subject", "detail")
    list_filter = ("actor",)
    search_fields = ("=act", "=subject")
    search_help_text = _("An act like case.change, or a subject like customer:12.")
    date_hierarchy = "at"
    list_select_related = ("actor",)

    @display(description=_("what was done"))
    def did(self, entry: AuditEntry) -> str:
        """Say the act in words."""
        return str(audit.ACTS.get(entry.act, entry.act))


@admin.register(Event)
class EventAdmin(JournalAdmin):
    """Facts on customers' timelines."""

    list_display = ("at", "kind", "profile_id", "actor_id", "payload")
    search_fields = ("=kind", "=profile_id")
    search_help_text = _("A kind like case.opened, or the number of a profile.")


@admin.register(Outbox)
class OutboxAdmin(JournalAdmin):
    """Facts whose handling is not finished: normally none."""

    list_display = ("created_at", "topic", "tries", "claimed_until", "error")
    list_filter = ("topic",)
    actions = ("retry",)

    @admin.action(description=_("Handle at once"), permissions=["view"])
    def retry(self, request: HttpRequest, rows: QuerySet[Outbox]) -> None:
        """Let the sweep take the chosen entries now."""
        act_on_each(request, rows, lambda row: actions.retry_outbox(ids=[row.pk], actor=request.user))


class SubscriptionForm(forms.ModelForm):
    """Where to send which events."""

    topics = forms.MultipleChoiceField(
        label=capfirst(_("topics")),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        choices=lambda: [(topic, topic) for topic in webhooks.topics()],
        help_text=_("None chosen: everything is sent."),
    )

    class Meta:
        model = WebhookSubscription
        fields = ("name", "url", "topics", "active")

    def clean_url(self) -> str:
        """Refuse what is not an address or leads into our own network."""
        url: str = self.cleaned_data["url"]
        try:
            webhooks.check_address(url)
        except Invalid as error:
            raise ValidationError(str(error.message)) from None
        return url


class DeliveryInline(ReadInline):
    """What was sent, newest first."""

    model = WebhookDelivery
    fields = ("created_at", "topic", "state", "tries", "status_code", "error")
    ordering = ("-created_at",)
    verbose_name_plural = _("log")


@admin.register(WebhookSubscription)
class SubscriptionAdmin(SettingsAdmin):
    """Other programs that are told of events."""

    form = SubscriptionForm
    list_display = ("name", "url", "active", "created_by", "created_at")
    list_filter = ("active",)
    search_fields = ("name", "url")
    list_select_related = ("created_by",)
    readonly_fields = ("signing_secret",)
    inlines = (DeliveryInline,)
    fieldsets = (
        (None, {"fields": ("name", "url", "active")}),
        (
            _("What is sent"),
            {
                "fields": ("topics",),
                "description": _("A delivery that fails is repeated for about a day, ever less often."),
            },
        ),
        (
            _("Signature"),
            {
                "fields": ("signing_secret",),
                "description": _("The receiver checks the header X-CX-Signature with this secret."),
            },
        ),
    )

    @display(description=_("secret"))
    def signing_secret(self, subscription: WebhookSubscription) -> SafeString | Any:
        """Show the secret with a button that copies it."""
        return copyable(subscription.secret) if subscription.secret else _("Made when you save.")

    def save_model(self, request: HttpRequest, obj: Any, form: "forms.ModelForm[Any]", change: bool) -> None:
        """Subscribe, or change by the act: processes forget what they knew of the subscription."""
        if change:
            changed = {name: form.cleaned_data[name] for name in form.changed_data}
            if changed:
                webhooks.change_subscription(subscription=obj, actor=request.user, **changed)
            return
        made = webhooks.subscribe(name=obj.name, url=obj.url, topics=obj.topics, actor=request.user)
        if not obj.active:
            webhooks.change_subscription(subscription=made, actor=request.user, active=False)
        obj.pk, obj.secret = made.pk, made.secret

    def delete_model(self, request: HttpRequest, obj: WebhookSubscription) -> None:
        """Unsubscribe by the act."""
        webhooks.unsubscribe(subscription=obj, actor=request.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WebhookSubscription]) -> None:
        """Unsubscribe each by the act."""
        for subscription in queryset:
            webhooks.unsubscribe(subscription=subscription, actor=request.user)


@admin.register(WebhookDelivery)
class DeliveryAdmin(JournalAdmin):
    """The log of deliveries."""

    list_display = ("created_at", "subscription", "topic", "standing", "tries", "status_code", "error")
    list_filter = ("state", "subscription")
    search_fields = ("=topic", "=key")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    list_select_related = ("subscription",)
    actions = ("redeliver",)

    @display(description=_("state"), ordering="state")
    def standing(self, delivery: WebhookDelivery) -> SafeString:
        """Show the state as a label."""
        return badge(STATES, delivery.state, delivery.get_state_display())

    @admin.action(description=_("Send again"), permissions=["view"])
    def redeliver(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> None:
        """Send the chosen deliveries again."""
        act_on_each(request, rows, lambda row: webhooks.redeliver(delivery=row, actor=request.user))
