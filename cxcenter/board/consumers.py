"""The socket of the board: the numbers of one's own teams, and a hint when a watched session changes."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Right
from cxcenter.board import scope
from cxcenter.core import realtime
from cxcenter.core.sockets import Direct
from interactions.models import Interaction

if TYPE_CHECKING:
    from collections.abc import Iterable

log = structlog.get_logger(__name__)
# Rights are checked again so often: who lost them sees nothing more after this time.
RIGHTS_EVERY_S = 60
SIGNED_OUT, REFUSED = 4401, 4403


class BoardConsumer(Direct, AsyncJsonWebsocketConsumer):
    """Passes on what is published for the teams of its user."""

    checks: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Join the groups of the user's teams; close with 4401 without a user, 4403 without the right."""
        self.groups_joined: set[str] = set()
        self.settling = asyncio.Lock()
        self.watched: int | None = None
        await self.accept()
        if not self.scope["user"].is_authenticated:
            await self.close(code=SIGNED_OUT)
        elif await self.settle_groups():
            self.checks = asyncio.create_task(self.check_rights())

    async def disconnect(self, code: int) -> None:
        """Leave all groups."""
        if self.checks:
            self.checks.cancel()
            with suppress(asyncio.CancelledError):
                await self.checks
        await self.join([])

    def forget(self) -> None:
        """Stop looking after the rights of who is gone."""
        if self.checks is not None:
            self.checks.cancel()

    async def check_rights(self) -> None:
        """Settle the groups again from time to time."""
        while True:
            await asyncio.sleep(RIGHTS_EVERY_S)
            try:
                if not await self.settle_groups():
                    return
            except Exception:
                # The database is away: what was allowed stays allowed until it can be asked.
                log.warning("rights not checked", exc_info=True)

    async def settle_groups(self) -> bool:
        """Join what the user may see now and leave the rest. Returns False, closed, if he may see nothing."""
        async with self.settling:
            groups = await groups_of(self.scope["user"].pk, self.watched)
            await self.join(groups or [])
        if groups is None:
            await self.close(code=REFUSED)
        return groups is not None

    async def join(self, groups: "Iterable[str]") -> None:
        """Be in these groups and in no others."""
        wanted = set(groups)
        for group in wanted - self.groups_joined:
            await self.channel_layer.group_add(group, self.channel_name)
        for group in self.groups_joined - wanted:
            await self.channel_layer.group_discard(group, self.channel_name)
        self.groups_joined = wanted

    async def receive_json(self, content: Any, **_: Any) -> None:
        """Take {"watch": session id}, the session that the page shows, and {"kind": "beat"}."""
        if not isinstance(content, dict):
            return
        if isinstance(content.get("watch"), int):
            self.watched = content["watch"]
            await self.settle_groups()
        elif content.get("kind") == "beat":
            await self.send_json({"kind": "beat"})

    async def push(self, event: dict[str, Any]) -> None:
        """Pass numbers on as they are, and how far a simulation is; of the watched session that it may be in other hands."""
        if "text" in event:
            await self.send(text_data=event["text"])
        elif event["kind"] == "message" and event["message"]["author"] == "system":
            await self.send_json({"kind": "session"})
        elif event["kind"] == "study":
            await self.send_json({name: event[name] for name in ("kind", "id", "state", "done", "total")})


@database_sync_to_async
def groups_of(user_id: int, watched: int | None) -> list[str] | None:
    """Return the groups a user may join now, or None without the right to the board."""
    user = User.objects.filter(pk=user_id).first()
    if user is None or not user.may(Right.BOARD):
        return None
    groups = [realtime.team_group(team) for team in scope.groups_of(user)] + [realtime.user_group(user.pk)]
    if watched is not None:
        talks = Interaction.objects.visible_to(user).filter(pk=watched).values_list("thread_id", flat=True)
        groups += [realtime.staff_group(thread) for thread in talks]
    return groups
