"""Rules of the golden record: which values survive, fields of the house, junk, matching."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from customers.actions.matching import begin_recall
from customers.actions.records import begin_rebuild
from customers.choices import Criterion, FieldKind
from customers.models import CustomField, JunkValue, MatchingRules, Recall, SurvivorshipRule
from cxcenter.core.adminkit import LinesField, SettingsAdmin

if TYPE_CHECKING:
    from django.db.models import QuerySet


class RuleForm(forms.ModelForm):
    """A rule, with its sources as lines."""

    sources = LinesField(
        label=_("order of sources"),
        required=False,
        each=lambda line: line[:40],
        help_text=_("One code of a source per line, the best first; the others follow."),
    )

    def clean(self) -> dict[str, Any]:
        """Ask for sources where their order decides, and for each criterion once."""
        data: dict[str, Any] = super().clean() or {}
        chosen = [data.get(name) for name in ("first", "second", "third") if data.get(name)]
        if len(chosen) != len(set(chosen)):
            raise ValidationError({"second": _("Each criterion counts once.")})
        if Criterion.SOURCE in chosen and not data.get("sources"):
            raise ValidationError({"sources": _("Name at least one source.")})
        return data


@admin.register(SurvivorshipRule)
class SurvivorshipRuleAdmin(SettingsAdmin):
    """Which record's values win. A change rebuilds all golden records in the background."""

    form = RuleForm
    list_display = ("group", "first", "second", "third")
    fieldsets = (
        (
            None,
            {
                "fields": ("group", ("first", "second", "third"), "sources"),
                "description": _(
                    "What was chosen or edited by hand stands before any rule. Without a rule: verified first, then"
                    " the newest."
                ),
            },
        ),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: "forms.ModelForm[Any]", change: bool) -> None:
        """Rebuild the golden records by the new rule."""
        super().save_model(request, obj, form, change)
        begin_rebuild()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Rebuild the golden records by the default."""
        super().delete_model(request, obj)
        begin_rebuild()

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        """Do the same for rules that were chosen in the list."""
        super().delete_queryset(request, queryset)
        begin_rebuild()


class FieldForm(forms.ModelForm):
    """A field of the house, with the values of a list as lines."""

    options = LinesField(
        label=_("values to choose from"),
        required=False,
        each=lambda line: line[:100],
        help_text=_("One per line, for the kind “one of a list”."),
    )

    def clean(self) -> dict[str, Any]:
        """Ask for values where one of them is to be chosen."""
        data: dict[str, Any] = super().clean() or {}
        if data.get("kind") == FieldKind.CHOICE and not data.get("options"):
            raise ValidationError({"options": _("Name at least one value.")})
        return data


@admin.register(CustomField)
class CustomFieldAdmin(SettingsAdmin):
    """Fields of the house on every card."""

    form = FieldForm
    list_display = ("label", "code", "kind", "place", "active")
    list_filter = ("kind", "active")
    fieldsets = ((None, {"fields": (("label", "label_ru"), ("code", "kind"), "options", ("place", "active"))}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A code stands in records and imports: it stays."""
        return ("code",) if obj else ()


@admin.register(JunkValue)
class JunkValueAdmin(SettingsAdmin):
    """Values that link nobody."""

    list_display = ("pattern", "kind", "note")
    list_filter = ("kind",)
    search_fields = ("pattern",)
    fieldsets = ((None, {"fields": (("kind", "pattern"), "note")}),)

    def save_model(self, request: HttpRequest, obj: Any, form: "forms.ModelForm[Any]", change: bool) -> None:
        """Have those compared again who have such a value."""
        super().save_model(request, obj, form, change)
        if {"kind", "pattern"} & {*form.changed_data}:
            begin_recall(Recall.Scope.REACHED)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Have those compared again who have such a value: now it counts."""
        super().delete_model(request, obj)
        begin_recall(Recall.Scope.REACHED)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        """Have those compared again who have such values."""
        super().delete_queryset(request, queryset)
        begin_recall(Recall.Scope.REACHED)


class MatchingForm(forms.ModelForm):
    """When records are joined, with the thresholds in their order."""

    def clean(self) -> dict[str, Any]:
        """Refuse probabilities that are none, and a pair that would be joined before anybody is shown it."""
        data: dict[str, Any] = super().clean() or {}
        lower, upper = data.get("lower"), data.get("upper")
        for name, value in (("lower", lower), ("upper", upper)):
            if value is not None and not 0 <= value <= 1:
                self.add_error(name, _("Write a probability from 0 to 1, like 0.89."))
        if lower is not None and upper is not None and lower > upper:
            self.add_error("lower", _("It must not be above the probability from which records are joined."))
        return data


@admin.register(MatchingRules)
class MatchingRulesAdmin(SettingsAdmin):
    """When records are joined: one row for the installation."""

    form = MatchingForm
    list_display = ("__str__", "joins", "upper", "lower", "shared_by")
    fieldsets = ((None, {"fields": ("joins", ("upper", "lower"), "shared_by")}),)

    def save_model(self, request: HttpRequest, obj: Any, form: "forms.ModelForm[Any]", change: bool) -> None:
        """Have those compared again whom the change concerns: all of them only where pairs are shown that were not."""
        super().save_model(request, obj, form, change)
        changed = {*form.changed_data}
        if changed & {"joins", "upper", "lower"}:
            begin_recall(Recall.Scope.PAIRS)
        if "shared_by" in changed:
            begin_recall(Recall.Scope.REACHED)
        if "lower" in changed and obj.lower < form.initial["lower"]:
            begin_recall(Recall.Scope.ALL)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """There is one row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """There is always one row."""
        return False
