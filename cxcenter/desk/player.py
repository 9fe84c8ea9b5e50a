"""What the player of a call shows: its recordings as parts of one timeline, their waveforms and marks, who spoke how long."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.translation import gettext as _

from interactions.models import Interaction, Recording, RecordingMark

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# Between two parts less than this passes unseen.
GAP_S = 1.0


@dataclass(frozen=True)
class Part:
    """A recording as the page's script plays it; `at` is the second of the call at which it begins."""

    id: str
    at: float
    duration: float
    listen: str
    sides: list[list[int]]
    silences: list[list[float]]


@dataclass
class Player:
    """A call to hear. Without parts there is nothing to hear yet, or no more: `says` tells why."""

    key: str
    started_at: datetime
    total: float = 0.0
    parts: list[Part] = field(default_factory=list)
    marks: list[dict[str, Any]] = field(default_factory=list)
    talk: list[dict[str, Any]] = field(default_factory=list)
    says: str = ""
    held: str = ""
    until: datetime | None = None
    rows: list[Recording] = field(default_factory=list)

    @property
    def data(self) -> dict[str, Any]:
        """What the script needs."""
        return {"total": self.total, "parts": [asdict(part) for part in self.parts], "marks": self.marks}


def of_session(talk: Interaction, user: "User") -> Player | None:
    """Return the player of a session that the user may read; None if nothing was recorded. Two questions."""
    marks = Prefetch("marks", RecordingMark.objects.order_by("at_s", "pk"))
    rows = list(Recording.objects.filter(interaction=talk).prefetch_related(marks).order_by("started_at", "pk"))
    if not rows:
        return None
    player = Player(key=str(rows[0].public_id), started_at=rows[0].started_at, rows=rows)
    for row in rows:
        _add(player, row)
    player.marks.sort(key=lambda mark: float(mark["at"]))
    if not player.parts:
        player.says = state_words(rows[-1])
    player.talk = shares([row for row in rows if row.is_playable])
    held = next((row for row in rows if row.legal_hold), None)
    player.held = held.hold_reason if held else ""
    player.until = rows[0].delete_after
    return player


def _add(player: Player, row: Recording) -> None:
    """Put a recording on the timeline of its call: behind the one before it, whatever clocks say."""
    if not row.is_playable:
        return
    at = round(max((row.started_at - player.started_at).total_seconds(), player.total), 3)
    if player.parts and at - player.total > GAP_S:
        player.marks.append({"at": player.total, "kind": "gap", "words": _("not recorded")})
    player.parts.append(
        Part(
            id=str(row.public_id),
            at=at,
            duration=row.duration_s,
            listen=reverse("desk:listen", args=[row.public_id]),
            sides=row.waveform.get("sides", []),
            silences=row.waveform.get("silences", []),
        )
    )
    for mark in row.marks.all():
        player.marks.append({"at": round(at + mark.at_s, 3), "kind": mark.kind, "words": mark_words(mark)})
    player.total = round(at + row.duration_s, 3)


def mark_words(mark: RecordingMark) -> str:
    """Say what a mark stands for."""
    return mark.text or str(RecordingMark.Kind(mark.kind).label)


def state_words(recording: Recording) -> str:
    """Say why there is nothing to hear."""
    words = {
        Recording.State.UPLOADING: _("The recording is being put together. It can be heard soon after the call."),
        Recording.State.BROKEN: _("The recording cannot be read. What came of it is kept for the administrator."),
        Recording.State.DELETED: _("The recording was deleted: its time was over."),
    }
    return words.get(Recording.State(recording.state), _("There is nothing to hear yet."))


def shares(rows: list[Recording]) -> list[dict[str, Any]]:
    """Return who spoke how long, silence and overlap, in seconds and in percent of the call."""
    told = [row for row in rows if row.customer_s is not None]
    total = sum(row.duration_s for row in told)
    if not total:
        return []
    named = {
        "customer": (_("Customer"), sum(row.customer_s or 0 for row in told)),
        "operator": (_("Operator"), sum(row.operator_s or 0 for row in told)),
        "overlap": (_("Both at once"), sum(row.overlap_s or 0 for row in told)),
        "silence": (_("Silence"), sum(row.silence_s or 0 for row in told)),
    }
    return [
        {"code": code, "words": words, "seconds": round(seconds), "percent": round(100 * seconds / total)}
        for code, (words, seconds) in named.items()
    ]
