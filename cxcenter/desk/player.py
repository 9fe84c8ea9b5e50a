"""What the player of a call shows: its recordings as parts of one timeline, their waveforms and marks, who spoke how long."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.translation import gettext as _

from interactions import speech
from interactions.models import Interaction, Recording, RecordingMark, SpokenLine, Transcript

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
    # Whether there are words to read, whether more are to come, and whether some could not be recognised.
    has_words: bool = False
    makes_words: bool = False
    lacks_words: bool = False
    # A place to begin at, and what is looked for in its words: somebody comes from a search.
    begins: float | None = None
    asked: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """What the script needs."""
        return {
            "total": self.total,
            "parts": [asdict(part) for part in self.parts],
            "marks": self.marks,
            "begins": self.begins,
            "asked": self.asked,
        }

    def at_of(self, key: str, second: float) -> float | None:
        """Return the second of the call at which a second of one of its recordings stands."""
        return next((round(part.at + second, 2) for part in self.parts if part.id == key), None)


def of_session(talk: Interaction, user: "User") -> Player | None:
    """Return the player of a session that the user may read; None if nothing was recorded. Two questions."""
    marks = Prefetch("marks", RecordingMark.objects.order_by("at_s", "pk"))
    recorded = Recording.objects.filter(interaction=talk).select_related("transcript").prefetch_related(marks)
    rows = list(recorded.order_by("started_at", "pk"))
    if not rows:
        return None
    player = Player(key=str(rows[0].public_id), started_at=rows[0].started_at, rows=rows)
    for row in rows:
        _add(player, row)
    player.marks.sort(key=lambda mark: float(mark["at"]))
    if not player.parts:
        player.says = state_words(rows[-1])
    _tell_words(player)
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


def _tell_words(player: Player) -> None:
    found = [row.transcript for row in player.rows if row.is_playable and hasattr(row, "transcript")]
    states = {one.state for one in found}
    player.has_words = any(one.done_s for one in found)
    player.makes_words = speech.is_on() and Transcript.State.WAITING in states
    player.lacks_words = Transcript.State.FAILED in states


def lines_of(player: Player) -> list[dict[str, Any]]:
    """Return what was said in a call, in its order, in seconds of its timeline; `times` are of its words (see SpokenLine)."""
    at = {row.pk: player.at_of(str(row.public_id), 0) for row in player.rows if row.is_playable}
    said = [
        {
            "side": line.side,
            "at": round((at[line.recording_id] or 0) + line.start_s, 2),
            "text": line.text,
            "times": line.times,
        }
        for line in SpokenLine.objects.filter(recording__in=at)
    ]
    return sorted(said, key=lambda line: line["at"])


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
