"""Business acts of quality."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core.errors import Invalid
from cxcenter.core.events import emit
from interactions.models import Interaction
from quality.events import SurveyAnswered
from quality.models import Survey

COMMENT_LIMIT = 2000


@transaction.atomic
def record_survey(*, interaction: Interaction, csat: int | None, ces: int | None, comment: str = "") -> Survey:
    """Keep the customer's rating of a session; a second one replaces it, the same one again changes nothing.

    `csat` is 1–5, `ces` 1–7, each may be None. Raises Invalid outside the scales or if nothing is said.
    """
    for field, value, top in (("csat", csat, 5), ("ces", ces, 7)):
        if value is not None and not 1 <= value <= top:
            raise Invalid(_("Choose from 1 to %(top)s.") % {"top": top}, field=field)
    comment = comment.strip()[:COMMENT_LIMIT]
    if csat is None and ces is None and not comment:
        raise Invalid(_("Choose a rating or write a comment."), field="csat")
    Interaction.objects.select_for_update().get(pk=interaction.pk)
    survey = Survey.objects.filter(interaction=interaction).first() or Survey(interaction=interaction)
    said = (csat, ces, comment)
    if survey.pk and said == (survey.csat, survey.ces, survey.comment):
        return survey
    survey.csat, survey.ces, survey.comment = said
    survey.at = timezone.now()
    survey.save()
    emit(SurveyAnswered(interaction=interaction.pk, csat=csat, ces=ces), profile_id=interaction.profile_id)
    return survey
