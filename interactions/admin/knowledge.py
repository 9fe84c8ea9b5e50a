"""Quick replies and articles."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from cxcenter.core.adminkit import SettingsAdmin
from interactions.models import Article, QuickReply


@admin.register(QuickReply)
class QuickReplyAdmin(SettingsAdmin):
    """Texts that operators insert."""

    list_display = ("__str__", "beginning", "language", "team", "used", "active")
    list_filter = ("language", "team", "active")
    list_select_related = ("team",)
    search_fields = ("shortcut", "text")
    autocomplete_fields = ("team",)
    readonly_fields = ("used",)
    fieldsets = (
        (
            None,
            {
                "fields": (("shortcut", "language"), "text", ("team", "active"), "used"),
                "description": _(
                    "Operators type / and the shortcut. {customer}, {operator} and {queue} are filled in."
                    " Without a team everybody has it."
                ),
            },
        ),
    )

    @display(description=_("text"))
    def beginning(self, reply: QuickReply) -> str:
        """Show the first words."""
        return Truncator(reply.text).chars(90)


@admin.register(Article)
class ArticleAdmin(SettingsAdmin):
    """Pages of the knowledge base."""

    list_display = ("title", "language", "published", "updated_at")
    list_filter = ("language", "published")
    search_fields = ("title", "text")
    readonly_fields = ("updated_at",)
    date_hierarchy = "updated_at"
    also_written = ("updated_at",)
    fieldsets = ((None, {"fields": ("title", ("language", "published"), "text", "updated_at")}),)

    def save_model(self, request: HttpRequest, obj: Any, form: "forms.ModelForm[Any]", change: bool) -> None:
        """Note when the article was changed."""
        obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)
