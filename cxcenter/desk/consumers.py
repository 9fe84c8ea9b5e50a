"""The desk's socket: pushes, typing, who looks where. The database is asked only to authorise."""

import asyncio
import time
import uuid
from contextlib import suppress
from typing import Any

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import DatabaseError
from django.utils import timezone, translation

from cxcenter.accounts.middleware import zone_of
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Right
from cxcenter.core import heartbeats, liveness, realtime
from cxcenter.core.sockets import Direct
from cxcenter.desk import conversation
from interactions.models import Interaction, Thread
from routing.models import Queue

log = structlog.get_logger(__name__)
SIGNED_OUT, NO_RIGHT = 4401, 4403
THREADS = 80
# Rights are checked again so often: who lost them sees nothing more after this time.
RIGHTS_EVERY_S = 60


class DeskConsumer(Direct, AsyncJsonWebsocketConsumer):
    """Pushes to one open desk of one user."""

    checks: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept members of staff; join what concerns the user alone and the numbers of his queues."""
        self.user: User = self.scope["user"]
        self.joined: set[str] = set()
        self.threads: set[int] = set()
        # Sessions that the user may read: a thread is endless, and may come to be of another team.
        self.sessions: set[int] = set()
        # The group of the customer whose timeline the page shows.
        self.card = ""
        self.typed: dict[int, float] = {}
        self.tab: uuid.UUID | None = None
        await self.accept()
        reason = _why_not(self.user)
        if reason:
            await self.close(reason)
            return
        await self._join(realtime.user_group(self.user.pk))
        for team_id in await database_sync_to_async(_teams_of)(self.user):
            await self._join(realtime.queues_group(team_id))
        self.checks = asyncio.create_task(self._check_rights())

    async def _check_rights(self) -> None:
        """From time to time look whether the user is still what he was, and leave what he may not read any more."""
        while True:
            await asyncio.sleep(RIGHTS_EVERY_S)
            try:
                fresh = await database_sync_to_async(_user)(self.user.pk)
                reason = _why_not(fresh)
                if fresh is None or reason:
                    await self.close(reason)
                    return
                self.user = fresh
                threads, sessions = await database_sync_to_async(_readable)(fresh, self.threads)
            except DatabaseError:
                # It is away: the next time it is asked again.
                log.warning("rights not checked", user=self.user.pk, exc_info=True)
                continue
            for thread in self.threads - threads:
                await self._leave(realtime.staff_group(thread))
            self.threads, self.sessions = threads, sessions

    async def _join(self, group: str) -> None:
        if group not in self.joined:
            self.joined.add(group)
            await self.channel_layer.group_add(group, self.channel_name)

    async def _leave(self, group: str) -> None:
        self.joined.discard(group)
        await self.channel_layer.group_discard(group, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Take {"kind": "hello", "tab"}, {"kind": "watch", "threads", "customer"}, {"kind": "typing" | "looking", "thread"}."""
        if not isinstance(content, dict) or self.checks is None:
            return
        match content.get("kind"):
            case "hello":
                await self._hello(content)
            case "watch":
                await self._watch_card(content.get("customer"))
                await self._watch(content.get("threads"))
            case "typing" | "looking" as what:
                await self._tell_others(what, content)
            case "beat":
                await self.send_json({"kind": "beat"})

    async def _hello(self, content: dict[str, Any]) -> None:
        try:
            self.tab = uuid.UUID(str(content.get("tab")))
        except ValueError:
            return
        if self.user.may(Right.SERVE):
            heartbeats.keep(self.channel_name, self.tab, liveness.operator_key(self.user.pk))
        await self.send_json({"kind": "hello", "now": time.time()})

    async def _watch(self, wanted: Any) -> None:
        """Join the threads that the user may read; from then on gaps are found by their numbers."""
        if not isinstance(wanted, list):
            return
        asked = {thread for thread in wanted[:THREADS] if _is_row(thread)} - self.threads
        if asked:
            threads, sessions = await database_sync_to_async(_readable)(self.user, asked)
            for thread in threads:
                await self._join(realtime.staff_group(thread))
            self.threads |= threads
            self.sessions |= sessions
        await self.send_json({"kind": "watching", "threads": sorted(self.threads)})

    async def _watch_card(self, customer: Any) -> None:
        """Join the customer whose timeline the page shows, in place of the one before. Who has this line may see all."""
        wanted = realtime.card_group(customer) if _is_row(customer) else ""
        if wanted == self.card:
            return
        if self.card:
            await self._leave(self.card)
        self.card = wanted
        if wanted:
            await self._join(wanted)

    async def _tell_others(self, what: str, content: dict[str, Any]) -> None:
        thread = content.get("thread")
        if not isinstance(thread, int) or thread not in self.threads:
            return
        if what == "typing" and not content.get("note") and time.monotonic() - self.typed.get(thread, 0) > 1.5:
            self.typed[thread] = time.monotonic()
            told: dict[str, Any] = {"type": "push", "kind": "typing", "name": self.user.public_name, "side": "staff"}
            await self.hint(realtime.customer_group(thread), told)
        told = {
            "type": "push",
            "kind": what,
            "thread": thread,
            "user": self.user.pk,
            "name": self.user.name,
            "side": "staff",
        }
        await self.hint(realtime.staff_group(thread), told)

    async def push(self, event: dict[str, Any]) -> None:
        """Pass a push on; a message is rendered here by the page's own template, in the reader's words and zone.

        A message that the user may not read is left out: the page sees a gap and gets what is for it.
        """
        told = {key: value for key, value in event.items() if key != "type"}
        if told["kind"] == "message":
            if not await self._may_read(told["message"]["interaction"]):
                return
            told["message"] = self._rendered(told["message"])
        await self.send_json(told)

    async def _may_read(self, session: int) -> bool:
        if session not in self.sessions:
            with suppress(DatabaseError):
                self.sessions |= await database_sync_to_async(_readable_session)(self.user, session)
        return session in self.sessions

    def _rendered(self, view: dict[str, Any]) -> dict[str, Any]:
        with translation.override(self.user.language), timezone.override(zone_of(self.user.zone)):
            html = conversation.message_html(conversation.entry(view))
        kept = ("id", "seq", "key", "author", "audience", "user", "interaction", "changed")
        return {**{key: view[key] for key in kept}, "html": html}

    async def disconnect(self, code: int) -> None:
        """Leave all groups. The operator is gone only when all his pages stay silent."""
        self.forget()
        for group in self.joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    def forget(self) -> None:
        """Count the page as closed."""
        if hasattr(self, "channel_name"):
            heartbeats.drop(self.channel_name)
        if self.checks is not None:
            self.checks.cancel()


def _why_not(user: Any) -> int:
    """Return the code with which a socket is closed to a user, 0 for who may have it."""
    if user is None or not user.is_authenticated or not user.is_active:
        return SIGNED_OUT
    return 0 if user.may(Right.VIEW_CUSTOMERS) else NO_RIGHT


def _is_row(ident: Any) -> bool:
    return isinstance(ident, int) and not isinstance(ident, bool) and 0 < ident < 2**63


def _user(pk: int) -> User | None:
    return User.objects.filter(pk=pk).first()


def _readable(user: User, threads: set[int]) -> tuple[set[int], set[int]]:
    """Return which of the threads the user may read, and their sessions that go on and that he may read."""
    allowed = set(Thread.objects.filter(pk__in=threads).visible_to(user).values_list("pk", flat=True))
    open_ones = Interaction.objects.open().filter(thread__in=allowed).visible_to(user)
    return allowed, set(open_ones.values_list("pk", flat=True))


def _readable_session(user: User, session: int) -> set[int]:
    return set(Interaction.objects.filter(pk=session).visible_to(user).values_list("pk", flat=True))


def _teams_of(user: User) -> list[int]:
    return list(Queue.objects.visible_to(user).values_list("team_id", flat=True).distinct())
