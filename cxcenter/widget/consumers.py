"""The visitor's socket: pushes and typing. The first message brings the token; no cookie is looked at."""

import asyncio
import json
import time
import uuid
from collections import Counter
from typing import Any

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from cxcenter.core import heartbeats, liveness, realtime
from cxcenter.core.errors import CxError
from cxcenter.core.sockets import Direct
from cxcenter.widget import files, sites, tokens
from interactions.models import Thread

log = structlog.get_logger(__name__)
HELLO_WITHIN_S = 10
TYPING_EVERY_S = 1.5
MESSAGES_PER_S = 10
PAGES_PER_VISITOR = 20
# Why a socket is closed: the page begins a new session, waits, or has too many tabs.
BAD_TOKEN, TRY_LATER, TOO_MANY = 4401, 4503, 4429
# Kinds of pushes for customers, and what of each is passed on: anything else stays inside.
RELAYED = {
    "message": ("changed", "message"),
    "marks": ("changed", "marks"),
    "typing": ("name",),
    "queue": ("position", "estimate_s"),
    "callback": (),
    "call": ("session", "phase", "agent"),
    "sdp": ("session", "party", "conn", "turn", "what", "sdp"),
}
_pages: Counter[int] = Counter()


class VisitorConsumer(Direct, AsyncWebsocketConsumer):
    """Pushes to one page of a visitor. The database is asked once, when the page says who it is."""

    patience: asyncio.TimerHandle | None = None
    # Whether it is one of the pages of its visitor.
    is_counted = False

    async def connect(self) -> None:
        """Accept anybody; who does not say who he is in time is closed."""
        self.thread_id = 0
        self.typed_at = 0.0
        self.second, self.heard = 0.0, 0
        self.channel_groups: list[str] = []
        await self.accept()
        self.patience = asyncio.get_running_loop().call_later(
            HELLO_WITHIN_S, lambda: asyncio.ensure_future(self.close(BAD_TOKEN))
        )

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take {"token", "tab", "after"} first, then {"kind": "beat"} and {"kind": "typing"}."""
        if self._is_flood():
            await self.close(TOO_MANY)
            return
        try:
            said = json.loads(text_data or "")
        except ValueError:
            said = None
        if not isinstance(said, dict):
            return
        if not self.thread_id:
            await self._authorise(said)
        elif said.get("kind") == "beat":
            await self._tell({"kind": "beat"})
        elif said.get("kind") == "typing":
            await self._relay_typing()

    def _is_flood(self) -> bool:
        now = time.monotonic()
        if now - self.second > 1:
            self.second, self.heard = now, 0
        self.heard += 1
        return self.heard > MESSAGES_PER_S

    async def _authorise(self, said: dict[str, Any]) -> None:
        try:
            visitor = tokens.read(str(said.get("token")))
            tab = uuid.UUID(str(said.get("tab")))
        except (CxError, ValueError):
            await self.close(BAD_TOKEN)
            return
        if not visitor.thread:
            await self.close(BAD_TOKEN)
            return
        if _pages[visitor.thread] >= PAGES_PER_VISITOR:
            await self.close(TOO_MANY)
            return
        if self.patience is not None:
            self.patience.cancel()
        self.thread_id = visitor.thread
        self.is_counted = True
        _pages[visitor.thread] += 1
        # First listen, then look: what is stored between the two is pushed.
        await self.channel_layer.group_add(realtime.customer_group(visitor.thread), self.channel_name)
        try:
            changed = await database_sync_to_async(_changed)(visitor)
        except CxError:
            await self.close(BAD_TOKEN)
            return
        except Exception:
            log.warning("visitor's socket not authorised", exc_info=True)
            await self.close(TRY_LATER)
            return
        heartbeats.keep(self.channel_name, tab, liveness.visitor_key(visitor.thread))
        await self._tell({"kind": "hello", "changed": changed, "now": time.time()})

    async def _relay_typing(self) -> None:
        """Tell staff that the visitor is typing, not more often than it can be seen."""
        if time.monotonic() - self.typed_at < TYPING_EVERY_S:
            return
        self.typed_at = time.monotonic()
        told = {"type": "push", "kind": "typing", "thread": self.thread_id, "side": "customer"}
        await self.hint(realtime.staff_group(self.thread_id), told)

    async def push(self, event: dict[str, Any]) -> None:
        """Pass on what the visitor may see, with addresses of files made for him."""
        kind = event.get("kind", "")
        if kind not in RELAYED:
            return
        told = {"kind": kind, **{key: event[key] for key in RELAYED[kind] if key in event}}
        if kind == "message":
            told["message"] = files.add_addresses(told["message"], self.thread_id)
        await self._tell(told)

    async def disconnect(self, code: int) -> None:
        """Leave the group. The visitor is gone only when he stays silent."""
        self.forget()
        if self.thread_id:
            await self.channel_layer.group_discard(realtime.customer_group(self.thread_id), self.channel_name)

    def forget(self) -> None:
        """Count the page as closed."""
        if self.patience is not None:
            self.patience.cancel()
        if self.is_counted:
            self.is_counted = False
            heartbeats.drop(self.channel_name)
            _pages[self.thread_id] -= 1
            if _pages[self.thread_id] <= 0:
                del _pages[self.thread_id]

    async def _tell(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(message, ensure_ascii=False))


def _changed(visitor: tokens.Visitor) -> int:
    """Return the customer's counter of the visitor's thread. Raises NotFound if it is not his site's."""
    site = sites.site_of(visitor.site)
    changed: int | None = (
        Thread.objects.filter(pk=visitor.thread, channel__in=sites.channels_of(site), profile__customer__erased_at=None)
        .values_list("customer_changes", flat=True)
        .first()
    )
    if changed is None:
        raise tokens.BadToken("There is no such talk.")
    return changed
