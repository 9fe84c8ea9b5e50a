"""Thresholds that are reached are kept as alerts: since when, until when, the worst value."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from cxcenter.board.alerts import reached, values_of
from cxcenter.board.counted import Row
from routing.actions.alerts import Finding, keep_alerts
from routing.choices import REACHED

# A value that goes to and fro about its threshold is one alert.
HUSHED_S = 60
# What changes while a threshold is reached is kept so often; what begins or ends at once.
EVERY_S = 10
Key = tuple[str, int, str]


class Reached:
    """Knows which thresholds were reached last, so that rows are asked only when something has changed."""

    def __init__(self) -> None:
        """Begin without knowing: the first run ends what a process before has left."""
        self._standing: dict[Key, tuple[float, Finding]] = {}
        self._kept: set[Key] | None = None
        self._kept_at = 0.0

    def keep(self, teams: Mapping[int, Row]) -> int:
        """Keep what the numbers of all teams say. Returns how many alerts came and ended."""
        now = max((team["at"] for team in teams.values()), default=0.0)
        self._standing |= {finding.key: (now, finding) for team in teams.values() for finding in _found(team, now)}
        self._standing = {key: one for key, one in self._standing.items() if now - one[0] < HUSHED_S}
        is_same = self._standing.keys() == self._kept
        if is_same and (not self._standing or now - self._kept_at < EVERY_S):
            return 0
        found = [finding for _at, finding in self._standing.values()]
        changed = keep_alerts(found=found, kinds=REACHED, now=datetime.fromtimestamp(now, UTC))
        self._kept, self._kept_at = set(self._standing), now
        return changed


def _found(team: Row, now: float) -> Iterator[Finding]:
    for queue in team["queues"]:
        for alert in reached(queue, now):
            subject, args = f"queue:{queue['id']}", values_of(alert, queue, now)
            yield Finding(alert["kind"], team["team"], subject, args, queue=queue["id"])
