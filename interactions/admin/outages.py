"""Known outages."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from cxcenter.core.adminkit import SettingsAdmin, badge
from interactions.models import Outage

STATES = {"now": "bad", "planned": "warn", "over": ""}


@admin.register(Outage)
class OutageAdmin(SettingsAdmin):
    """What an IVR tells those whom it touches."""

    list_display = ("name", "state", "whom", "since", "until")
    search_fields = ("name", "words", "words_ru")
    autocomplete_fields = ("segments", "topic")
    fieldsets = (
        (
            None,
            {
                "fields": ("name", ("since", "until"), "segments", "topic", "words", "words_ru"),
                "description": _("An IVR that asks who is calling is told the outages that touch him."),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Outage]:
        """Fetch the segments once for the whole list."""
        rows: QuerySet[Outage] = super().get_queryset(request).prefetch_related("segments")
        return rows

    @display(description=_("state"))
    def state(self, outage: Outage) -> SafeString:
        """Show where it stands."""
        now = timezone.now()
        if outage.since > now:
            return badge(STATES, "planned", _("planned"))
        if outage.until and outage.until <= now:
            return badge(STATES, "over", _("over"))
        return badge(STATES, "now", _("now"))

    @display(description=_("whom it touches"))
    def whom(self, outage: Outage) -> str:
        """Name the segments."""
        return ", ".join(segment.name for segment in outage.segments.all()) or str(_("everybody"))
