"""Skills. Who has them, and what work asks for, is set on the board."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from cxcenter.core.adminkit import SettingsAdmin
from routing.models import Skill


@admin.register(Skill)
class SkillAdmin(SettingsAdmin):
    """What work may ask of an operator."""

    list_display = ("name", "name_ru", "able", "asked")
    search_fields = ("name", "name_ru")
    fieldsets = (
        (
            None,
            {
                "fields": (("name", "name_ru"),),
                "description": _("Levels of operators and what work asks for are set on the board, under Skills."),
            },
        ),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: contacts that wait may ask for it, and nobody could get it back."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Skill]:
        """Count holders and rules once for the whole list."""
        rows: QuerySet[Skill] = super().get_queryset(request)
        now = Q(holders__ended_at=None, holders__user__is_active=True)
        return rows.annotate(
            able_count=Count("holders", filter=now, distinct=True), asked_count=Count("requirements", distinct=True)
        )

    @display(description=_("operators"), ordering="able_count")
    def able(self, skill: Skill) -> int:
        """Count the operators who have it."""
        return skill.able_count  # type: ignore[attr-defined]

    @display(description=_("asked for by"), ordering="asked_count")
    def asked(self, skill: Skill) -> int:
        """Count the rules that ask for it."""
        return skill.asked_count  # type: ignore[attr-defined]
