"""Commands on their way to a telephony platform: posted, signed, tried again until they expire."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cxcenter.core import webhooks
from interactions.actions import commands
from interactions.calls.facts import user_of
from interactions.choices import ExchangeKind
from interactions.models import CallCommand, Exchange, Extension

AT_ONCE = 10
# A platform that does not answer must not hold the others up; what comes later than a try's pause is no help any more.
TIMEOUT_S, FIRST_S, LONGEST_S = 2.0, 0.5, 4.0


def said(row: CallCommand, agents: dict[int, str]) -> dict[str, Any]:
    """Return a command as a platform reads it. `agents`: names of phones by their users."""
    return {
        "command": row.pk,
        "control": row.control,
        "call": row.call.key if row.call else None,
        "agent": agents.get(user_of(row.party) or 0),
        "value": row.value,
        **({"caller_id": row.caller_id} if row.control == commands.DIAL else {}),
        "expires_at": row.expires_at.isoformat(),
    }


def agents_of(exchange: Exchange) -> dict[int, str]:
    """Return the names of phones by their users."""
    return dict(Extension.objects.filter(exchange=exchange).values_list("user_id", "interface"))


def with_left() -> list[int]:
    """Return platforms for which commands wait that nobody is sending: the message that should have, was lost."""
    waiting = CallCommand.objects.filter(state="waiting", exchange__kind=ExchangeKind.BRIDGE, tries=0)
    return list(waiting.exclude(exchange__url="").values_list("exchange", flat=True).distinct())


def send(exchange_id: int) -> float | None:
    """Post the commands of a platform that wait. Returns after how many seconds to try again, None if there is no need."""
    exchange = Exchange.objects.filter(pk=exchange_id, active=True).exclude(url="").first()
    if exchange is None:
        return None
    agents, again = agents_of(exchange), []
    rows = commands.take(exchange=exchange)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # The threads only talk to the platform; rows are written here.
        for row, outcome in zip(rows, pool.map(lambda row: _post(exchange, said(row, agents)), rows), strict=True):
            if outcome is None:
                again.append(row.tries)
                commands.again(command_id=row.pk, tries=row.tries + 1)
            elif outcome:
                commands.failed(command_id=row.pk, words=outcome)
    return min(FIRST_S * 2 ** min(again), LONGEST_S) if again else None


def _post(exchange: Exchange, told: dict[str, Any]) -> str | None:
    """Post a command. Returns "" if it was taken, None if it may be tried again, else why the platform does not take it."""
    body = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "X-CX-Signature": webhooks.sign(exchange.secret, body, int(time.time())),
    }
    try:
        with webhooks.requested("POST", exchange.url, headers, body, timeout_s=TIMEOUT_S) as answer:
            status = answer.status_code
    except Exception:
        # Whatever the platform does, other commands still get there.
        return None
    if 200 <= status < 300:
        return ""
    return f"HTTP {status}" if 400 <= status < 500 and status not in (408, 429) else None
