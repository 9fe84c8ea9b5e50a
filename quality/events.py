"""Facts about quality."""

from dataclasses import dataclass
from typing import ClassVar

from cxcenter.core.events import Payload


@dataclass(frozen=True, kw_only=True)
class SurveyAnswered(Payload):
    """A customer rated an interaction: satisfaction 1–5, effort 1–7, each None if not answered."""

    topic: ClassVar[str] = "survey.answered"
    interaction: int
    csat: int | None
    ces: int | None
