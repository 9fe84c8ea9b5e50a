"""The kept sets of this group, who asks, and how what a part has written is forgotten again."""

import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench.golden import crowd
from tests.bench.kept import Kept
from tests.bench.report import middle, percentile

# Tests do with fewer.
SIZE = int(os.environ.get("BENCH_CUSTOMERS") or 1_000_000)
# With the few long pasts it has a tenth of the facts of SIZE.
SMALL = SIZE * 8 // 100
ROUNDS = 5 if SIZE >= 1_000_000 else 1


def few(times: int) -> int:
    """Return how often to measure: a test only sees whether it runs."""
    return times if SIZE >= 1_000_000 else max(4, times // 20)


def kept(size: int = SIZE, *, durable: bool = False) -> Kept:
    """Return the servers of a set, to be started."""
    return Kept(size, fill="tests.bench.golden.crowd", version=crowd.VERSION, durable=durable)


@contextmanager
def token(*scopes: str) -> Iterator[dict[str, str]]:
    """Return the header of an integration with these scopes; its token ends with the part."""
    from cxcenter.accounts.models import ApiToken, User
    from cxcenter.accounts.roles import Role
    from tests import world

    owner = User.objects.filter(username="integrator").first() or world.make_user("integrator", Role.INTEGRATOR)
    row, secret = ApiToken.issue(user=owner, name="bench", scopes=list(scopes), expires_at=None)
    try:
        yield {"Authorization": f"Bearer {secret}"}
    finally:
        row.delete()


def signed_in(name: str) -> dict[str, str]:
    """Return the header of a member of staff at his desk."""
    from cxcenter.accounts.models import User
    from tests.bench.scene import cookie

    return {"Cookie": cookie(User.objects.get(username=name))}


@contextmanager
def forgotten() -> Iterator[None]:
    """Delete at the end what was made in between: the set stays as it was filled."""
    from customers.actions.records import project_many
    from customers.models import Customer, Identity, Merge, Profile
    from cxcenter.core.models import AuditEntry, Event, Outbox

    models: tuple[Any, ...] = (Merge, Profile, Customer, Identity, Event, AuditEntry, Outbox)
    marks = {model: getattr(model.objects.order_by("pk").last(), "pk", 0) for model in models}
    try:
        yield
    finally:
        changed = list(Merge.objects.filter(pk__gt=marks[Merge]).values_list("survivor", flat=True))
        Customer.objects.filter(pk__gt=marks[Customer]).update(merged_into=None)
        for model, mark in marks.items():
            model.objects.filter(pk__gt=mark).delete()
        project_many(changed)


async def timed(call: Awaitable[Any]) -> float:
    """Return how many ms a call takes."""
    began = time.perf_counter()
    await call
    return (time.perf_counter() - began) * 1000


async def rounds(ways: dict[str, Callable[[int], Awaitable[Any]]], calls: int) -> dict[str, float]:
    """Return the 95th percentile of each way in ms, the median of ROUNDS; the ways are gone by turns, first once for nothing."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _round in range(ROUNDS + 1):
        values: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(calls):
            for name, way in ways.items():
                values[name].append(await timed(way(number)))
        for name in ways:
            took[name].append(percentile(values[name], 95))
    return {name: middle(values[1:]) for name, values in took.items()}
