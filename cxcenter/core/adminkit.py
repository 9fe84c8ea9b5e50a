"""What all pages of the administration have in common: who may enter, what is written, what is only read."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminExpandableTextareaWidget, UnfoldAdminSelect2Widget

from cxcenter.core import zones as known
from cxcenter.core.errors import CxError

RIGHT = "settings.edit"


class Rights:
    """One right opens every page: that of changing settings. Django's own permissions are not used."""

    def _may(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.is_authenticated and user.may(RIGHT))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Tell whether the app is listed."""
        return self._may(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether rows may be seen."""
        return self._may(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether rows may be added."""
        return self._may(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether rows may be changed."""
        return self._may(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether rows may be deleted."""
        return self._may(request)


class SettingsAdmin(Rights, ModelAdmin):  # type: ignore[misc]
    """Rows that an administrator edits.

    Only what was changed on the page is written: a queue that a supervisor has closed meanwhile stays closed.
    """

    warn_unsaved_form = True
    list_filter_sheet = False
    # Columns that `save_model` of a subclass sets besides those of the form.
    also_written: ClassVar[tuple[str, ...]] = ()

    def save_model(self, request: HttpRequest, obj: Model, form: "forms.ModelForm[Any]", change: bool) -> None:
        """Write a new row whole, an old one by its changed columns."""
        if not change:
            obj.save()
            return
        columns = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=sorted(columns & {*form.changed_data, *self.also_written}))


class JournalAdmin(Rights, ModelAdmin):  # type: ignore[misc]
    """Rows that work has left: read here, changed by acts alone. Nothing is counted, so that millions open fast."""

    paginator = InfinitePaginator
    show_full_result_count = False
    list_disable_select_all = True
    list_filter_sheet = False
    list_per_page = 50
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows are made by work."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows are changed by acts."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: history stays."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find a row by the number people say aloud ("S-12", "CS-7"), else by the search fields."""
        number = search_term.strip().rpartition("-")[2]
        if search_term.strip() and number.isdigit() and len(number) < 18 and self.has_number:
            return queryset.filter(pk=int(number)), False
        return super().get_search_results(request, queryset, search_term)

    has_number = False


class RowsInline(Rights, TabularInline):  # type: ignore[misc]
    """Rows edited on the page of what they belong to."""

    extra = 0


class ReadInline(RowsInline):
    """Rows shown on the page of what they belong to."""

    can_delete = False
    hide_title = True
    per_page = 20

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows are made by work."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows are changed by acts."""
        return False


def act_on_each(request: HttpRequest, rows: Iterable[Any], act: Callable[[Any], object]) -> None:
    """Do one act on each chosen row; say how many it worked for, and for the others why not."""
    done = 0
    for row in rows:
        try:
            act(row)
        except CxError as error:
            messages.error(request, f"{row}: {error.message}")
        else:
            done += 1
    if done:
        messages.success(
            request, ngettext("Done for %(count)s row.", "Done for %(count)s rows.", done) % {"count": done}
        )


def copyable(text: str) -> SafeString:
    """Show a text with a button that copies it (static/cx/admin.js)."""
    return format_html(
        '<span class="cx-copyable"><code>{}</code><button type="button" data-copy="{}">{}</button></span>',
        text,
        text,
        _("Copy"),
    )


def badge(colours: Mapping[str, str], key: str, text: Any) -> SafeString:
    """Show a state as a coloured badge, on lists and pages alike. Colours: ok, warn, bad, info; others stay grey."""
    return format_html('<span class="cx-badge {}">{}</span>', colours.get(key, ""), text)


class LinesField(forms.CharField):
    """A list kept as JSON and edited as lines. `each` checks and normalises one line (raises ValidationError)."""

    widget = UnfoldAdminExpandableTextareaWidget

    def __init__(self, *, each: Callable[[str], str], **options: Any) -> None:
        """Keep the check of a line."""
        self.each = each
        super().__init__(**{**options, "label": capfirst(options.get("label"))})

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines; what was typed is shown as it was typed."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Return the checked lines without repeats."""
        lines = value if isinstance(value, list) else (value or "").splitlines()
        return list(dict.fromkeys(self.each(line.strip()) for line in lines if line.strip()))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether the lines differ from the list."""
        typed = [line.strip() for line in (data or "").splitlines() if line.strip()]
        return list(initial or []) != typed


@lru_cache(maxsize=1)
def zones() -> tuple[tuple[str, str], ...]:
    """Return the time zones to choose from, as (name, name)."""
    names = sorted(zone for zone in known.zones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))
    return tuple((name, name.replace("_", " ")) for name in ("UTC", *names))


class ZoneField(forms.ChoiceField):
    """A time zone, chosen from those that exist. With `empty` there may be none."""

    widget = UnfoldAdminSelect2Widget

    def __init__(self, *, empty: Any = None, **options: Any) -> None:
        """Take the label of the empty choice."""
        first = [("", empty)] if empty is not None else []
        super().__init__(
            label=capfirst(_("time zone")), choices=lambda: [*first, *zones()], required=empty is None, **options
        )
