"""Calls of a telephone exchange as sessions: whose card they open on, and what is kept of what it tells."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from customers import actions as customers
from customers import normalise
from customers.models import Identity, Profile
from cxcenter.core.errors import Forbidden, Gone, Invalid
from cxcenter.core.statements import Statement, unflushed
from interactions.actions import calls, dialling, talk
from interactions.calls.facts import Fact
from interactions.calls.reducer import reduce
from interactions.calls.view import CallView
from interactions.choices import Direction
from interactions.models import Call, CallFact, Dialled, Exchange, Interaction, Thread

SOURCE = "voice"
# What an exchange says of a moment outside of these days is a clock that is wrong, and no moment.
MOST_AGO = timedelta(days=1)


COLUMNS = {
    **dict.fromkeys(("began_at", "answered_at", "ended_at"), "timestamptz[]"),
    **dict.fromkeys(("talk_s", "hold_s"), "float8[]"),
    **dict.fromkeys(("version", "followed"), "int[]"),
}
# Written for every event of an exchange.
WRITE = Statement(
    "write_calls",
    f"""
    UPDATE interactions_call SET {", ".join(f"{name} = told.{name}" for name in COLUMNS)}
    FROM unnest(%(ids)s, {", ".join(f"%({name})s" for name in COLUMNS)}) told (id, {", ".join(COLUMNS)})
    WHERE interaction_id = told.id
    """,  # noqa: S608 — names of our own columns
    ids="bigint[]",
    **COLUMNS,
)


@dataclass(frozen=True, slots=True)
class Opening:
    """A call that is not known yet: its name at the exchange, the customer's number as told, who called, and when.

    `by` is the operator who called, of an outgoing one.
    """

    key: str
    number: str
    direction: Direction
    at: float
    by: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A call of which something was told: what was known before, and what is known now."""

    call: Call
    before: Sequence[Fact]
    after: Sequence[Fact]
    view: CallView


def known_calls(*, exchange: Exchange, keys: Iterable[str]) -> dict[str, int]:
    """Return the calls of an exchange by their names there, as far as they are known. One query."""
    found = Call.objects.filter(exchange=exchange, key__in=set(keys))
    return {str(key): pk for key, pk in found.values_list("key", "pk")}


def open_keys(*, exchange: Exchange) -> list[str]:
    """Return the names of the calls that we hold for going on."""
    going = Call.objects.filter(exchange=exchange, ended_at=None)
    return [key for key in going.values_list("key", flat=True) if key]


def note_line(exchange_id: int, connected: bool, trouble: str) -> None:
    """Say in the settings how the line to an exchange stands."""
    since = timezone.now() if connected else None
    Exchange.objects.filter(pk=exchange_id).update(connected_at=since, trouble="" if connected else trouble[:300])


def open_call(*, exchange: Exchange, opening: Opening) -> int:
    """Open the session of a call on the card to which its number leads alone; on nobody's, if it leads to several.

    Returns its id; that of the one that somebody else has just opened. Lost with the database it is not yet known.
    """
    try:
        with unflushed():
            return _open(exchange, opening)
    except IntegrityError:
        return Call.objects.values_list("pk", flat=True).get(exchange=exchange, key=opening.key)


def _open(exchange: Exchange, opening: Opening) -> int:
    number, profile = _read(opening.number), None
    now = timezone.now()
    began = datetime.fromtimestamp(opening.at, UTC)
    session: dict[str, Any] = {
        "at": began if now - MOST_AGO < began < now else now,
        "voice": {
            "provider": exchange.kind,
            "direction": opening.direction,
            "number": (number or opening.number)[:20],
            "key": opening.key,
            "exchange": exchange,
        },
    }
    dialled = dialling.dialled_for(exchange=exchange, user_id=opening.by, number=number) if opening.by else None
    if number:
        identity, profile = customers.find_or_create_by_identity(kind=Identity.Kind.PHONE, value=number, source=SOURCE)
        if dialled is not None and dialled.profile is not None:
            # He called from that card: whoever else has the number is not meant.
            profile = dialled.profile
        thread = talk.open_thread(channel=exchange.channel, identity=identity, profile=profile or _nobody(exchange))
        # Somebody blocked or erased may be on the line all the same, as the exchange has it.
        with suppress(Forbidden, Gone):
            talk_, new = talk.open_interaction(thread=thread, whose=partial(_card, profile=profile), **session)
            if new:
                return _noted(dialled, talk_)
    # No number, or another call of it goes on: behind one number of a company sit many.
    own = customers.find_identity(kind=Identity.Kind.DEVICE, value=f"exchange-{exchange.pk}:{opening.key}")
    thread = talk.open_thread(channel=exchange.channel, identity=own, profile=profile or _nobody(exchange))
    return _noted(dialled, talk.open_interaction(thread=thread, whose=partial(_card, profile=profile), **session)[0])


def _noted(dialled: Dialled | None, talk: Interaction) -> int:
    """Note that a session is the call that was dialled. Returns its id."""
    if dialled is not None:
        dialling.adopt(dialled=dialled, interaction=talk)
    return talk.pk


def _card(thread: Thread, profile: Profile | None) -> int | None:
    """Return on whose card a call opens: of what the number leads to now, however it was at the call before."""
    if profile is not None and thread.profile_id != profile.pk:
        thread.profile = profile
        thread.save(update_fields=["profile"])
    return profile.pk if profile else None


def _nobody(exchange: Exchange) -> Profile:
    """Return the profile that holds the threads of those who called and are nobody's."""
    value = f"exchange-{exchange.pk}"
    found = customers.find_or_create_by_identity(kind=Identity.Kind.DEVICE, value=value, source=SOURCE)[1]
    return found or customers.create_profile(source=SOURCE)


def _read(number: str) -> str:
    """Return a number in E.164; empty for a hidden or an inner one."""
    try:
        return normalise.phone(number) if number else ""
    except Invalid:
        return ""


@transaction.atomic
def keep(*, told: Mapping[int, Sequence[Fact]], judge: Callable[[Kept], bool]) -> list[Kept]:
    """Keep facts of calls, each once, and let the calls' columns follow. Returns the calls that something new was told of.

    `judge` tells whether nothing but the call itself changes: then nothing is left to follow it.
    """
    rows = list(Call.objects.select_for_update().filter(pk__in=told).order_by("pk"))
    known: dict[int, list[Fact]] = defaultdict(list)
    for row in CallFact.objects.filter(call__in=rows).order_by("at", "order", "key"):
        known[row.call_id].append(calls.fact_of(row))
    kept, fresh = [], []
    for call in rows:
        before = known[call.pk]
        new = _new(before, told[call.pk])
        if not new:
            continue
        made = [calls.row_of(call.pk, one) for one in new]
        fresh += made
        # As they are kept: the columns have no room for less than a microsecond.
        new = [calls.fact_of(row) for row in made]
        after = sorted([*before, *new], key=lambda one: (one.at, one.order, one.key))
        one = Kept(call, before, after, reduce(after, timezone.now().timestamp()))
        _turn(one, is_followed=call.followed == call.version and judge(one))
        kept.append(one)
        calls.tell(call.pk, before, new)
    if not kept:
        return kept
    CallFact.objects.bulk_create(fresh, ignore_conflicts=True)
    _write([one.call for one in kept])
    return kept


def _write(rows: Sequence[Call]) -> None:
    """Write what follows from the facts of calls that the caller has locked."""
    columns = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    WRITE.run(ids=[row.pk for row in rows], **columns)


def _new(before: Sequence[Fact], told: Sequence[Fact]) -> list[Fact]:
    keys = {one.key for one in before}
    return [one for one in {one.key: one for one in told}.values() if one.key not in keys]


def _turn(kept: Kept, *, is_followed: bool) -> None:
    """Let the columns of a call say what follows from its facts."""
    calls.derive(kept.call, kept.view, kept.after)
    if kept.view.began is not None:
        kept.call.began_at = datetime.fromtimestamp(kept.view.began, UTC)
    if is_followed:
        kept.call.followed = kept.call.version
