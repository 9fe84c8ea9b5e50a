"""Pages of quality."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from cxcenter.core.adminkit import JournalAdmin, SettingsAdmin
from cxcenter.core.errors import Invalid
from quality import policies
from quality.models import LevelPolicy, Survey
from quality.service_level import BLOCKED


@admin.register(Survey)
class SurveyAdmin(JournalAdmin):
    """Ratings by customers."""

    list_display = ("at", "interaction", "csat", "ces", "comment")
    list_filter = ("csat", "ces")
    search_fields = ("comment",)
    search_help_text = _("Words of the comment.")
    date_hierarchy = "at"
    ordering = ("-at",)
    list_select_related = ("interaction",)


class LevelPolicyForm(forms.ModelForm):
    """A new version of a policy."""

    blocked = forms.MultipleChoiceField(
        label=capfirst(_("kinds of blocked visits that count")),
        choices=[(kind, kind) for kind in BLOCKED],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        initial=["B1", "B2"],
        help_text=_("B1 no line free, B2 queue full or wait limit reached, B3 by rule."),
    )

    class Meta:
        model = LevelPolicy
        fields = ("queue", "formula", "within_s", "short_s", "blocked")

    def clean(self) -> dict[str, Any]:
        """Refuse a policy whose parts do not go together."""
        said = super().clean() or {}
        if not self.errors:
            try:
                policies.checked(said["formula"], said["within_s"], said["short_s"], said["blocked"])
            except Invalid as error:
                self.add_error("short_s", str(error.message))
        return said


@admin.register(LevelPolicy)
class LevelPolicyAdmin(SettingsAdmin):
    """Versions of policies: a new one is added, none is changed, so that each stays reproducible."""

    form = LevelPolicyForm
    list_display = ("queue", "version", "formula", "within_s", "short_s", "blocked", "made_at", "made_by")
    list_filter = ("queue",)
    list_select_related = ("queue", "made_by")
    ordering = ("queue", "-version")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: what was counted by a version must stay what it was."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: so that every version can be asked for."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make the next version."""
        actor: Any = request.user
        said = {name: form.cleaned_data[name] for name in LevelPolicyForm.Meta.fields}
        made = policies.set_policy(**said, actor=actor)
        obj.pk, obj.version = made.pk, made.version
