"""Business hours: a week, and days that differ."""

from django.contrib import admin
from django.db.models import QuerySet, TimeField
from django.forms import TimeInput
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import INPUT_CLASSES

from cxcenter.core.adminkit import RowsInline, SettingsAdmin
from routing.forms import HolidayFormSet, HoursForm, IntervalFormSet
from routing.models import (
    BusinessHours,
    Holiday,
    OpeningInterval,
)

# Hours and minutes of 24: the browser's own clock would show a.m. and p.m. to some.
CLOCKS = {
    TimeField: {"widget": TimeInput(format="%H:%M", attrs={"placeholder": "09:00", "class": " ".join(INPUT_CLASSES)})},
}


class IntervalInline(RowsInline):
    """When it is open in a week."""

    model = OpeningInterval
    formset = IntervalFormSet
    fields = ("day", "opens", "closes")
    hide_title = True
    formfield_overrides = CLOCKS


class HolidayInline(RowsInline):
    """Days that differ."""

    model = Holiday
    formset = HolidayFormSet
    fields = ("date", "name", "opens", "closes")
    hide_title = True
    formfield_overrides = CLOCKS


@admin.register(BusinessHours)
class HoursAdmin(SettingsAdmin):
    """When somebody answers."""

    form = HoursForm
    list_display = ("name", "zone", "week", "served")
    search_fields = ("name",)
    inlines = (IntervalInline, HolidayInline)
    fieldsets = (
        (
            None,
            {
                "fields": (("name", "zone"),),
                "description": _(
                    "A day may have several intervals; an interval that ends at 00:00 lasts to the end of the day."
                    " A holiday without times is closed."
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BusinessHours]:
        """Fetch intervals and queues once for the whole list."""
        rows: QuerySet[BusinessHours] = super().get_queryset(request)
        return rows.prefetch_related("intervals", "queue_set")

    @display(description=_("week"))
    def week(self, hours: BusinessHours) -> str:
        """Say how many hours a week it is open."""
        minutes = sum(_minutes(interval) for interval in hours.intervals.all())
        return _("%(count)s h a week") % {"count": round(minutes / 60)}

    @display(description=_("queues"))
    def served(self, hours: BusinessHours) -> str:
        """Name the queues that keep these hours."""
        return ", ".join(queue.name for queue in hours.queue_set.all())


def _minutes(interval: OpeningInterval) -> int:
    """Return how long an interval lasts; 00:00 as its end is the end of the day."""
    ends = interval.closes.hour * 60 + interval.closes.minute or 24 * 60
    return ends - interval.opens.hour * 60 - interval.opens.minute
