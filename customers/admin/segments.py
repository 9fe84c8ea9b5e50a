"""Segments: customers that satisfy a rule."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import JSONField, QuerySet, Value
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminSelectWidget

from customers.models import Segment, SegmentCondition
from customers.segmentation import fields_to_choose
from cxcenter.core.adminkit import RowsInline, SettingsAdmin


class ConditionForm(forms.ModelForm):
    """One line of a rule: a field that is chosen by its name."""

    field = forms.ChoiceField(label=_("field of the card"), choices=fields_to_choose, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = SegmentCondition
        fields = ("field", "comparison", "value")


class ConditionFormSet(PaginationInlineFormSet):
    """The lines of a rule: one at least, or it would hold for everybody."""

    def clean(self) -> None:
        """Ask for a line."""
        super().clean()
        kept = [form for form in self.forms if form.has_changed() or form.instance.pk]
        if all(form.cleaned_data.get("DELETE") for form in kept if hasattr(form, "cleaned_data")):
            raise ValidationError(_("Say at least one condition: a rule without any would hold for everybody."))


class ConditionInline(RowsInline):
    """The rule."""

    model = SegmentCondition
    form = ConditionForm
    formset = ConditionFormSet
    fields = ("field", "comparison", "value")
    verbose_name_plural = _("Belongs to it who meets all of these")
    hide_title = True


@admin.register(Segment)
class SegmentAdmin(SettingsAdmin):
    """Who is to be treated in a way of his own."""

    list_display = ("name", "name_ru", "code", "rule", "place", "active")
    list_filter = ("active",)
    search_fields = ("name", "name_ru", "code")
    inlines = (ConditionInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (("name", "name_ru"), ("code", "place"), "active"),
                "description": _(
                    "Whether the rule holds is asked when a customer comes. How much sooner a segment is served is set on"
                    " the board, under Priorities; which skills its contacts ask for, under Skills."
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Segment]:
        """Fetch the rules and the names of fields once for the whole list."""
        rows: QuerySet[Segment] = super().get_queryset(request)
        names = Value(dict(fields_to_choose()), output_field=JSONField())
        return rows.prefetch_related("conditions").annotate(names=names)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A code stands in visits and reports: it stays."""
        return ("code",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: visits of the past name it. A segment that is no longer used is switched off."""
        return False

    @display(description=_("rule"))
    def rule(self, segment: Segment) -> str:
        """Say the rule in words."""
        names: dict[str, str] = segment.names  # type: ignore[attr-defined]
        lines = [
            f"{names.get(one.field, one.field)} {one.get_comparison_display()} {one.value}".strip()
            for one in segment.conditions.all()
        ]
        return f" {_('and')} ".join(lines)
