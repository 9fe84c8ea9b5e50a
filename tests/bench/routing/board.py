"""50 boards open over real sockets: how soon all of them have a fact, and what the servers pay for them beside one.

300 operators of three teams, twelve queues, 5,000 contacts today and as many on the same weekday of the last four weeks. Contacts
come by the widget's door and operators change their states, each PER_S / 2 times a second; everything that is committed is a fact.
"""

import asyncio
import itertools
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvloop
from websockets.asyncio.client import connect

from tests.bench.center import center, main
from tests.bench.report import Figure, middle, percentile
from tests.bench.scene import cookie, token
from tests.bench.wire import Http
from tests.servers import Stack

TEAMS, QUEUES, OPERATORS, PAST = 3, 12, 300, 5_000
BOARDS, PER_S = 50, 10
ROUNDS, SECONDS, WARM_S, SETTLE_S = 3, 15, 5, 3
# What counts as never.
LOST_S = 10.0


def measure() -> Iterable[Figure]:
    with center() as stack:
        place = plant()
        took, ratios, plain, shares = uvloop.run(measured(stack, place))
    note = f"{len(took)} facts on {BOARDS} boards, median {percentile(took, 50):.2f}; floor: a plain PUBLISH of the same push"
    yield Figure("routing.board_s", percentile(took, 95), percentile(plain, 95), note)
    one, many = (middle(share[number] for share in shares) for number in (0, 1))
    note = f"{one:.0%} of a core with one, {many:.0%} with {BOARDS}; {', '.join(f'{ratio:.2f}' for ratio in ratios)}"
    yield Figure("routing.board_cost_ratio", middle(ratios), None, note)


class Place:
    """Who looks, who works, where contacts come in."""

    def __init__(self, boss: Any, operators: list[Any], sites: list[int], team: int) -> None:
        self.boss, self.operators, self.sites, self.team = boss, operators, sites, team
        self.cookie = cookie(boss)


def plant() -> Place:
    from routing.models import Policy, QueueMember
    from tests import world

    # Nobody here has a page of the desk open.
    Policy.current()
    Policy.objects.update(operator_grace_s=3600)
    teams = [world.make_team(f"Team {number}") for number in range(TEAMS)]
    boss = world.make_user("boss", role="supervisor", team=teams[0])
    for team in teams:
        team.supervisors.add(boss)
    operators = [world.make_user(f"op{n}", team=teams[n % TEAMS]) for n in range(OPERATORS)]
    queues = [world.make_queue(f"Queue {n}", teams[n % TEAMS], offer_s=600) for n in range(QUEUES)]
    for number, user in enumerate(operators):
        world.on_duty(user)
        QueueMember.objects.create(queue=queues[number % QUEUES], user=user)
    sites = [world.make_site(queue, rate_per_min=1_000_000) for queue in queues]
    for week in range(5):
        plant_day(sites, queues, week)
    return Place(boss, operators, [site.pk for site in sites], teams[0].pk)


def plant_day(sites: list[Any], queues: list[Any], week: int) -> None:
    """Let PAST contacts have come on the same weekday so many weeks ago, spread over what of the day has passed."""
    from django.utils import timezone

    from cxcenter.board.counted import start_of, today
    from interactions.models import Interaction
    from routing.models import WorkItem
    from tests import world

    begin = start_of(today()) - timedelta(days=7 * week)
    length = timezone.now() - start_of(today()) if week == 0 else timedelta(hours=24)
    threads = [world.make_thread(site) for site in sites]
    moments = [begin + length * (number / PAST) for number in range(PAST)]
    talks = Interaction.objects.bulk_create(
        Interaction(
            thread=thread, profile=thread.profile, kind="webchat", opened_at=at, closed_at=at, last_message_at=at
        )
        for at, thread in zip(moments, itertools.cycle(threads))
    )
    WorkItem.objects.bulk_create(
        WorkItem(
            queue=queue, interaction=talk, visit="left", outcome="answered", entered_at=at, waits_since=at, rank_at=at,
            left_at=at + timedelta(seconds=number % 90),
        )
        for number, (at, talk, queue) in enumerate(zip(moments, talks, itertools.cycle(queues)))
    )  # fmt: skip


class Boards:
    """Open boards, and which facts each of them has."""

    def __init__(self) -> None:
        self.awaited: dict[Any, tuple[float, set[int]]] = {}
        self.took: list[float] = []
        self.count = 0
        self._text, self._known = "", dict[str, Any]()
        self.came: dict[int, int] = {}

    def expect(self, fact: Any, at: float) -> None:
        """Wait for a fact that was committed at a time."""
        self.awaited[fact] = (at, set())

    def hear(self, board: int, text: str) -> None:
        """Note the facts that a board was told: its operators' states, and how many have come."""
        now = time.perf_counter()
        # All are told the same: it is read once, since the client must not be what is measured.
        if text != self._text:
            self._text, self._known = text, read(text)
        for fact in self._known.keys() & self.awaited.keys():
            at, boards = self.awaited[fact]
            boards.add(board)
            if len(boards) == self.count:
                self.took.append(now - at)
                del self.awaited[fact]


def read(text: str) -> dict[Any, bool]:
    """Return the facts of a push: (operator, state) for each, and ("came", queue, n) for all n up to its count."""
    said = json.loads(text)
    if said.get("kind") == "floor":
        return {("floor", said["n"]): True}
    found = {(one["id"], one["state"]): True for one in said.get("operators", ())}
    for queue in said.get("queues", ()):
        entered = sum(numbers["entered"] for numbers in queue["numbers"].values())
        found |= {("came", queue["id"], entered - back): True for back in range(50)}
    return found


@asynccontextmanager
async def open_boards(stack: Stack, place: Place, boards: Boards, count: int) -> AsyncIterator[None]:
    """Keep so many boards open."""

    async def listen(number: int, socket: Any) -> None:
        async for text in socket:
            boards.hear(number, text)

    boards.count = count
    async with AsyncExitStack() as sockets:
        tasks = []
        for number in range(count):
            address, headers = f"{stack.url.replace('http', 'ws')}/ws/board/", {"Cookie": place.cookie}
            line = connect(address, origin=stack.url, additional_headers=headers, compression=None, max_size=None)  # type: ignore[arg-type]
            tasks.append(asyncio.create_task(listen(number, await sockets.enter_async_context(line))))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def measured(
    stack: Stack, place: Place
) -> tuple[list[float], list[float], list[float], list[tuple[float, float]]]:
    """Return how long facts took, the ratios of the rounds, the floor, and the shares of a core with one and with many."""
    took: list[float] = []
    ratios, shares = [], []
    states = turns(place)
    queue_of = dict(await asyncio.to_thread(queues_of, place))
    for _round in range(ROUNDS):
        share = []
        for count in (1, BOARDS):
            boards = Boards()
            async with open_boards(stack, place, boards, count):
                await load(stack, place, Boards(), states, queue_of, WARM_S)
                before = await asyncio.to_thread(cpu_s, stack)
                await load(stack, place, boards, states, queue_of, SECONDS)
                await asyncio.sleep(SETTLE_S)
                share.append((await asyncio.to_thread(cpu_s, stack) - before) / (SECONDS + SETTLE_S))
            if count == BOARDS:
                took += [*boards.took, *(LOST_S for _fact in boards.awaited)]
        ratios.append(share[1] / share[0])
        shares.append((share[0], share[1]))
    boards = Boards()
    async with open_boards(stack, place, boards, BOARDS):
        await asyncio.sleep(1)
        await asyncio.to_thread(publish_plainly, place, boards)
        await asyncio.sleep(1)
    return took, ratios, boards.took, shares


def turns(place: Place) -> Iterator[tuple[Any, str]]:
    """Yield operators one after another: each pauses, and comes back the next time."""
    for mode in itertools.cycle(("pause", "available")):
        for user in place.operators:
            yield user, mode


def queues_of(place: Place) -> list[tuple[int, int]]:
    from routing.models import Entrance

    return list(Entrance.objects.filter(channel__site__in=place.sites).values_list("channel__site", "queue_id"))


async def load(
    stack: Stack,
    place: Place,
    boards: Boards,
    states: Iterator[tuple[Any, str]],
    queue_of: dict[int, int],
    seconds: float,
) -> None:
    """Let contacts come and operators change their states at a steady rate."""
    came = await asyncio.to_thread(come_today)
    async with Http(stack.url) as http:
        began = time.perf_counter()
        for number in range(int(seconds * PER_S)):
            await asyncio.sleep(began + number / PER_S - time.perf_counter())
            if number % 2:
                await asyncio.to_thread(change, *next(states), boards)
                continue
            site = place.sites[number // 2 % len(place.sites)]
            said = {"text": "Good day. My lamp is broken.", "key": str(uuid.uuid4())}
            call = http.request("POST", "/widget/api/start", token=token(site, uuid.uuid4().hex, 0), data=said)
            came[queue_of[site]] = came.get(queue_of[site], 0) + 1
            # From the call on: its commit lies within.
            boards.expect(("came", queue_of[site], came[queue_of[site]]), time.perf_counter())
            status, body = await http.call(call)
            assert status == 200, body


def come_today() -> dict[int, int]:
    from django.db.models import Count

    from cxcenter.board.counted import start_of, today
    from routing.models import WorkItem

    visits = WorkItem.objects.filter(entered_at__gte=start_of(today())).order_by()
    return dict(visits.values_list("queue_id").annotate(Count("pk")))


def change(user: Any, mode: str, boards: Boards) -> None:
    """Set an operator's state; the boards are to have it from its commit on."""
    from django.db import transaction

    from routing.actions import presence

    with transaction.atomic():
        transaction.on_commit(lambda: boards.expect((user.pk, mode), time.perf_counter()))
        presence.set_mode(user=user, mode=mode, actor=user)


def publish_plainly(place: Place, boards: Boards) -> None:
    """Send a push as long as a board's own, ten times a second, by nothing but PUBLISH."""
    from cxcenter.board import publisher
    from cxcenter.core import realtime

    longest = json.dumps(publisher.current()[place.team], ensure_ascii=False)
    for number in range(100):
        text = json.dumps({"kind": "floor", "n": number, "x": longest})
        boards.expect(("floor", number), time.perf_counter())
        assert realtime.publish((realtime.team_group(place.team), {"text": text}))
        time.sleep(0.1)


def cpu_s(stack: Stack) -> float:
    """Return the processor time of our processes and of both servers so far, in seconds."""
    spent: dict[int, tuple[int, int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        # The parent; own time, and that of children which have ended.
        spent[int(folder.name)] = int(fields[1]), sum(int(field) for field in fields[11:15])
    processes = [*stack.processes.values(), *(server.process for server in stack.databases.servers.values())]
    wanted = {process.pid for process in processes}
    for _generation in range(5):
        wanted |= {pid for pid, (parent, _spent) in spent.items() if parent in wanted}
    return sum(spent[pid][1] for pid in wanted if pid in spent) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(measure)
