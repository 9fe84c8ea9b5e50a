"""Simulations in the background: started by a screen, played by the worker seed by seed, told to who asked for them."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cxcenter.accounts.middleware import zone_of
from cxcenter.core import audit, realtime
from cxcenter.core.errors import Conflict, CxError, Invalid
from quality import retold
from quality.models import SimulationRun
from quality.simulation.faults import BadScenario
from quality.simulation.scenario import Scenario, Study, parse
from quality.simulation.study import Day, compared, play_day

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

log = structlog.get_logger(__name__)
# What a day of a run may hold. 10,000 contacts are played in two seconds or so.
MOST_BYTES = 8_000_000
MOST_CONTACTS, MOST_OPERATORS, MOST_DAYS = 100_000, 2_000, 30
# So many runs of one person are under way at once; a run may work for so long.
AT_ONCE, LONGEST_S = 3, 300.0
KEEP = timedelta(days=30)
GOING = (SimulationRun.State.WAITING, SimulationRun.State.RUNNING)
# The study that this process is at: reading a large one takes longer than playing it.
_known: dict[int, Study] = {}


def start(*, text: str, days: int, actor: "User") -> SimulationRun:
    """Have a scenario played `days` times.

    Raises Invalid with `faults`, one for each place that is wrong, and for what is too large; Conflict if the actor has
    too many under way.
    """
    if not 2 <= days <= MOST_DAYS:
        raise Invalid(_("Choose from 2 to %(most)s days.") % {"most": MOST_DAYS}, field="days")
    if len(text.encode()) > MOST_BYTES:
        words = _("The scenario is too long: %(most)s MB at the most.")
        raise Invalid(words % {"most": MOST_BYTES // 1_000_000}, field="scenario")
    study = _understood(text)
    _refuse_large(study)
    return line_up(scenario=text, title=study.title, days=days, actor=actor)


@transaction.atomic
def line_up(
    *, title: str, days: int, actor: "User", scenario: str = "", trial: dict[str, Any] | None = None
) -> SimulationRun:
    """Make a run that the worker will find; the scenario of a `trial` is made there. Raises Conflict as `start`."""
    if SimulationRun.objects.filter(made_by=actor, state__in=GOING).count() >= AT_ONCE:
        words = _("%(count)s simulations of yours are under way: wait for one, or stop it.")
        raise Conflict(words % {"count": AT_ONCE}, code="busy")
    run = SimulationRun.objects.create(made_by=actor, title=title[:200], scenario=scenario, seeds=days, trial=trial)
    audit.record(actor, "simulation.start", f"simulation:{run.pk}")
    return run


def _understood(text: str) -> Study:
    if not text.strip():
        raise Invalid(_("Write a scenario, choose a file, or take an example."), field="scenario")
    try:
        return parse(text)
    except BadScenario as error:
        lines = str(error).splitlines()
        told = [{"field": "scenario", "message": line} for line in lines]
        raise Invalid(lines[0], field="scenario", code="scenario", faults=told) from None


def _refuse_large(study: Study) -> None:
    contacts = sum(_contacts(one) for one in study.scenarios.values())
    operators = max(len(one.center.operators) for one in study.scenarios.values())
    for count, most, words in (
        (
            contacts,
            MOST_CONTACTS,
            _("%(count)s contacts under all rules are too many for this screen: %(most)s at the most."),
        ),
        (operators, MOST_OPERATORS, _("%(count)s operators are too many for this screen: %(most)s at the most.")),
    ):
        if count > most:
            raise Invalid(words % {"count": count, "most": most}, field="scenario")


def _contacts(scenario: Scenario) -> int:
    return round(sum(len(stream.log) + sum(stream.expected) for stream in scenario.streams))


@transaction.atomic
def stop(run: SimulationRun, *, actor: "User") -> None:
    """End a run before its time."""
    locked = SimulationRun.objects.select_for_update().filter(pk=run.pk, state__in=GOING).first()
    if locked is None:
        raise Conflict(_("It has ended already."), code="ended")
    _end(locked, SimulationRun.State.STOPPED)
    audit.record(actor, "simulation.stop", f"simulation:{run.pk}")


def work(*, seconds: float) -> bool:
    """Play what waits for so long, a day of each in turn; return whether there is more to do at once."""
    until = time.monotonic() + seconds
    SimulationRun.objects.filter(made_at__lt=timezone.now() - KEEP).delete()
    while going := list(SimulationRun.objects.filter(state__in=GOING).order_by("pk").values_list("pk", flat=True)):
        moved = [_play_one(pk) for pk in going if time.monotonic() < until]
        if time.monotonic() >= until:
            return True
        if not any(moved):
            # Another process is at all of them.
            return False
    return False


def _play_one(pk: int) -> bool:
    """Play the next day of a run and keep it. Returns whether it did; False if another process is at it."""
    with transaction.atomic():
        run = SimulationRun.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk, state__in=GOING)
        mine = run.select_related("made_by").first()
        if mine is None:
            return False
        with translation.override(mine.made_by.language):
            try:
                with transaction.atomic():
                    _go_on(mine)
            except CxError as error:
                mine.fault = str(error.message)[:500]
                _end(mine, SimulationRun.State.FAILED)
            except Exception as error:
                log.exception("simulation failed", run=pk)
                mine.fault = str(error)[:500]
                _end(mine, SimulationRun.State.FAILED)
    return True


def _go_on(run: SimulationRun) -> None:
    began = time.monotonic()
    if run.trial and not run.scenario:
        with timezone.override(zone_of(run.made_by.zone)):
            run.scenario = retold.scenario_of(run.trial)
        run.save(update_fields=["scenario"])
        _refuse_large(parse(run.scenario))
    study = _study(run)
    seed = len(run.played) + 1
    run.played.append({name: _kept(play_day(one, study.policies, seed=seed)) for name, one in study.scenarios.items()})
    run.spent_s += time.monotonic() - began
    run.state = SimulationRun.State.RUNNING
    if seed >= run.seeds:
        seeds = range(1, seed + 1)
        days = {name: [_day(played[name]) for played in run.played] for name in study.scenarios}
        found = compared(study, seeds=seeds, days=days).as_data()
        run.result = json.dumps(found, indent=1, ensure_ascii=False)
        _end(run, SimulationRun.State.DONE)
    elif run.spent_s > LONGEST_S:
        words = _(
            "It takes too long: %(done)s of %(total)s days in %(minutes)s min. Ask for fewer days or a smaller one."
        )
        run.fault = words % {"done": seed, "total": run.seeds, "minutes": round(LONGEST_S / 60)}
        _end(run, SimulationRun.State.FAILED)
    else:
        run.save(update_fields=["played", "spent_s", "state"])
        _tell(run)


def _study(run: SimulationRun) -> Study:
    if run.pk not in _known:
        _known.clear()
        _known[run.pk] = parse(run.scenario)
    return _known[run.pk]


def _end(run: SimulationRun, state: str) -> None:
    run.state, run.ended_at = state, timezone.now()
    done = len(run.played)
    # The result says it all.
    run.played = []
    run.save(update_fields=["state", "ended_at", "played", "spent_s", "result", "fault"])
    _known.pop(run.pk, None)
    _tell(run, done)


def _tell(run: SimulationRun, done: int | None = None) -> None:
    said = {"kind": "study", "id": run.pk, "state": run.state, "total": run.seeds}
    push = {**said, "done": len(run.played) if done is None else done}
    realtime.push((realtime.user_group(run.made_by_id), push))


def _kept(day: Day) -> list[list[Any]]:
    return [[by, of, list(figures.items())] for (by, of), figures in day.items()]


def _day(kept: Sequence[Sequence[Any]]) -> dict[tuple[str, str], Mapping[str, float]]:
    return {(by, of): dict(figures) for by, of, figures in kept}
