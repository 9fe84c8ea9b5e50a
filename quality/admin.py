"""Pages of quality."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cxcenter.core.adminkit import JournalAdmin
from quality.models import Survey


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
