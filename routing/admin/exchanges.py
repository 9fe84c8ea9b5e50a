"""Telephone exchanges, their phones and queues, and what they were asked."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from cxcenter.core.adminkit import JournalAdmin, RowsInline, SettingsAdmin, badge
from interactions.actions import commands
from interactions.choices import ExchangeKind
from interactions.models import BridgeEvent, CallCommand, Exchange, Extension
from routing.forms import ExchangeForm, ExtensionForm
from routing.models import ExchangeQueue

LINES = {"on": "ok", "off": "", "lost": "bad"}
COMMANDS: dict[str, str] = {CallCommand.State.DONE: "ok", CallCommand.State.FAILED: "bad"}


class ExtensionInline(RowsInline):
    """Whose the phones are."""

    model = Extension
    form = ExtensionForm
    fields = ("interface", "user", "password", "state")
    readonly_fields = ("state",)
    autocomplete_fields = ("user",)
    ordering = ("interface",)
    hide_title = True
    per_page = 50


class ExchangeQueueInline(RowsInline):
    """Which of our queues its queues are."""

    model = ExchangeQueue
    fields = ("name", "queue", "number", "caller_id")
    autocomplete_fields = ("queue",)
    ordering = ("name",)
    hide_title = True


@admin.register(Exchange)
class ExchangeAdmin(SettingsAdmin):
    """Exchanges that route their calls themselves."""

    form = ExchangeForm
    list_display = ("name", "kind", "channel", "standing")
    list_filter = ("kind", "active")
    list_select_related = ("channel",)
    search_fields = ("name", "host")
    readonly_fields = ("standing", "address")
    inlines = (ExtensionInline, ExchangeQueueInline)
    fieldsets = (
        (None, {"fields": ("name", ("kind", "channel"), ("active", "standing"))}),
        (
            _("Line"),
            {
                "fields": (("host", "port"), ("username", "secret"), ("context", "caller_id"), "socket"),
                "description": _(
                    "Of an Asterisk: its manager interface (AMI). The user needs read = call,agent and"
                    " write = call,agent,originate,reporting in manager.conf. The secret is not shown again."
                    " Of a SIP platform: its domain as the host, the address for browsers, and the secret that signs"
                    " short-lived credentials."
                ),
            },
        ),
        (
            _("Platform by HTTP"),
            {
                "fields": ("address", "url", "controls"),
                "description": _(
                    "It signs what it tells with the secret above, and posts it to the address; docs/bridge.md has examples."
                ),
            },
        ),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: an exchange that is no longer used is switched off."""
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Let whoever keeps the line see the new settings at once."""
        super().save_related(request, form, formsets, change)
        commands.reload([form.instance.pk])

    @display(description=_("address for events"))
    def address(self, exchange: Exchange) -> str:
        """Show where the platform posts what it tells."""
        return f"/bridge/{exchange.pk}/events/" if exchange.pk else "–"

    @display(description=_("line"))
    def standing(self, exchange: Exchange) -> SafeString:
        """Show whether the line stands, and if not, why."""
        if not exchange.active or exchange.pk is None:
            return badge(LINES, "off", _("switched off"))
        if exchange.kind == ExchangeKind.SIP:
            return badge(LINES, "off", _("each browser has its own"))
        if exchange.kind == ExchangeKind.BRIDGE and exchange.trouble:
            return badge(LINES, "lost", exchange.trouble)
        if exchange.connected_at is not None:
            return badge(LINES, "on", _("connected"))
        return badge(LINES, "lost", exchange.trouble or _("not connected yet"))


@admin.register(CallCommand)
class CallCommandAdmin(JournalAdmin):
    """What exchanges were asked, and what came of it."""

    list_display = ("made_at", "exchange", "control", "user", "standing", "words")
    list_select_related = ("exchange", "user")
    list_filter = ("state", "exchange")

    @display(description=_("state"))
    def standing(self, row: CallCommand) -> SafeString:
        """Show what came of it."""
        return badge(COMMANDS, row.state, row.get_state_display())


@admin.register(BridgeEvent)
class BridgeEventAdmin(JournalAdmin):
    """What platforms have told, and what was wrong with it."""

    list_display = ("received_at", "exchange", "kind", "call", "key", "state", "error")
    list_select_related = ("exchange",)
    list_filter = ("state", "kind", "exchange")
    search_fields = ("=key", "=call")
    exclude = ("body", "digest")
