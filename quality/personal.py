"""What a customer answered to surveys, in an export and in an erasure."""

from cxcenter.core.personal import Holder, Rows, Section, Subject, in_batches, register
from interactions.personal import sessions_of
from quality.models import Survey


class Surveys(Holder):
    """Ratings. Their scores are numbers of reports and stay."""

    tables = (Survey,)

    def sections(self) -> dict[str, Section]:
        """Return what is exported of it."""
        return {"surveys": _surveys}

    def erase(self, subject: Subject) -> None:
        """Erase the comments."""
        Survey.objects.filter(interaction__in=sessions_of(subject)).exclude(comment="").update(comment="")


register(Surveys())


def _surveys(subject: Subject) -> Rows:
    for row in in_batches(Survey.objects.filter(interaction__in=sessions_of(subject))):
        yield {
            "session": f"S-{row.interaction_id}",
            "satisfaction": row.csat,
            "effort": row.ces,
            "comment": row.comment,
            "at": row.at,
        }
