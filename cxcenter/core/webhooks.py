"""Webhooks: every fact becomes one delivery per subscription, signed, retried, logged.

Signature: header `X-CX-Signature: t=UNIX,v1=HEX`, HMAC-SHA256 with the subscription's secret over
"UNIX.BODY". A receiver recomputes it and refuses old times.
"""

import hashlib
import hmac
import ipaddress
import json
import secrets
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
from django.conf import settings
from django.db import transaction
from django.db.models import Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import audit
from cxcenter.core.errors import Invalid
from cxcenter.core.events import PAYLOADS, Payload, watches_all
from cxcenter.core.models import Outbox, WebhookDelivery, WebhookSubscription

TRIES = 10
TIMEOUT_S = 5.0
BATCH = 20
AT_ONCE = 10
# What is signed for us is as old at the most: later it may be somebody who has listened.
FRESH_S = 300
# One run of the task sends for so long; the next one goes on.
RUN_S = 10.0
# Facts are many and subscriptions change seldom: a process looks for new ones this often.
KNOWN_S = 1.0
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_known: tuple[float, list[WebhookSubscription]] = (0.0, [])


# --- Subscriptions -----------------------------------------------------------------------------


def topics() -> list[str]:
    """Return the codes of all facts that a subscription may name."""
    return sorted(topic for topic, payload in PAYLOADS.items() if payload.public)


@transaction.atomic
def subscribe(*, name: str, url: str, topics: list[str], actor: Any) -> WebhookSubscription:
    """Make a subscription with a secret of its own. Raises Invalid for a bad address or an unknown topic."""
    _check(url=url, topics=topics)
    secret = f"whsec_{secrets.token_urlsafe(32)}"
    made = WebhookSubscription.objects.create(name=name, url=url, topics=topics, secret=secret, created_by=actor)
    audit.record(actor, "webhook.subscribe", f"webhook:{made.pk}")
    _forget_known()
    return made


@transaction.atomic
def change_subscription(*, subscription: WebhookSubscription, actor: Any, **fields: Any) -> WebhookSubscription:
    """Change name, url, topics or active. Raises Invalid for a bad address or an unknown topic."""
    _check(**{name: fields[name] for name in ("url", "topics") if name in fields})
    for name, value in fields.items():
        setattr(subscription, name, value)
    subscription.save(update_fields=list(fields))
    audit.record(actor, "webhook.change", f"webhook:{subscription.pk}", fields=sorted(fields))
    _forget_known()
    return subscription


@transaction.atomic
def unsubscribe(*, subscription: WebhookSubscription, actor: Any) -> None:
    """Delete a subscription with its log."""
    audit.record(actor, "webhook.unsubscribe", f"webhook:{subscription.pk}")
    subscription.delete()
    _forget_known()


@transaction.atomic
def redeliver(*, delivery: WebhookDelivery, actor: Any) -> WebhookDelivery:
    """Send a delivery again, whatever became of it, with all its tries."""
    delivery.state, delivery.tries, delivery.due_at = WebhookDelivery.State.PENDING, 0, timezone.now()
    delivery.save(update_fields=["state", "tries", "due_at"])
    audit.record(actor, "webhook.redeliver", f"webhook:{delivery.subscription_id}", delivery=str(delivery.pk))
    return delivery


def _check(*, url: str | None = None, topics: list[str] | None = None) -> None:
    unknown = {topic for topic in topics or [] if topic not in PAYLOADS or not PAYLOADS[topic].public}
    if unknown:
        raise Invalid(_("There is no such topic: %(topic)s.") % {"topic": min(unknown)}, field="topics")
    if url is not None:
        check_address(url)


def _forget_known() -> None:
    global _known
    _known = (0.0, [])


# --- Deliveries --------------------------------------------------------------------------------


@watches_all
def queue_deliveries(topic: str, payload: Payload, outbox_id: int) -> None:
    """Write one delivery per subscription of the topic; a second run writes nothing."""
    wanted = [s.pk for s in _subscriptions() if not s.topics or topic in s.topics] if payload.public else []
    if not wanted:
        return
    body = {"topic": topic, "at": timezone.now().isoformat(), "data": vars(payload)}
    profile = Subquery(Outbox.objects.filter(pk=outbox_id).values("event__profile_id"))
    # Asked again: what is known may have been deleted a moment ago.
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(subscription=s, topic=topic, key=f"outbox:{outbox_id}", body=body, profile_id=profile)
            for s in WebhookSubscription.objects.filter(pk__in=wanted, active=True)
        ],
        ignore_conflicts=True,
    )


def _subscriptions() -> list[WebhookSubscription]:
    global _known
    now = time.monotonic()
    if now > _known[0]:
        _known = (now + KNOWN_S, list(WebhookSubscription.objects.filter(active=True)))
    return _known[1]


def sign(secret: str, body: bytes, at: int) -> str:
    """Return the value of X-CX-Signature for `body` sent at unix time `at`."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def is_signed(secret: str, body: bytes, signature: str, *, now: float | None = None) -> bool:
    """Tell whether who knows a secret has signed `body`, within five minutes of now. No secret signs nothing."""
    parts = dict(part.split("=", 1) for part in signature.split(",") if "=" in part)
    at = parts.get("t", "")
    if not secret or not (at.isascii() and at.isdigit() and len(at) < 15):
        return False
    expected = sign(secret, body, int(at)).partition("v1=")[2]
    is_right = hmac.compare_digest(expected.encode(), parts.get("v1", "").encode())
    return is_right and abs((now or time.time()) - int(at)) <= FRESH_S


def deliver_due() -> int:
    """Send deliveries that are due, several at once. Returns how many were tried."""
    tried, deadline = 0, time.monotonic() + RUN_S
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while time.monotonic() < deadline and (batch := _claim_due()):
            # The threads only talk to receivers; rows are written here.
            for delivery, (status, error) in zip(batch, pool.map(_send, batch), strict=True):
                _note(delivery, status, error)
            tried += len(batch)
    return tried


@transaction.atomic
def _claim_due() -> list[WebhookDelivery]:
    """Take the next deliveries. The due time moves ahead: to the next try, and past any other worker."""
    now = timezone.now()
    due = (
        WebhookDelivery.objects.filter(state=WebhookDelivery.State.PENDING, due_at__lte=now)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("subscription")
        .order_by("due_at")
    )
    batch = list(due[:BATCH])
    for delivery in batch:
        delivery.due_at = now + timedelta(seconds=min(10 * 3**delivery.tries, 6 * 3600))
        delivery.tries += 1
    WebhookDelivery.objects.bulk_update(batch, ["due_at", "tries"])
    return batch


def _send(delivery: WebhookDelivery) -> tuple[int | None, str]:
    """Post a delivery. Returns (status, what went wrong or "")."""
    body = json.dumps(delivery.body, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "X-CX-Topic": delivery.topic,
        "X-CX-Delivery": str(delivery.pk),
        "X-CX-Signature": sign(delivery.subscription.secret, body, int(time.time())),
    }
    try:
        status = _post(delivery.subscription.url, body, headers)
    except Exception as problem:
        # Whatever a receiver does, the others still get theirs.
        return None, str(problem)[:300] or type(problem).__name__
    return status, "" if 200 <= status < 300 else f"HTTP {status}"


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Post a body; return the status. Neither a redirect is followed nor the answer's body read."""
    with requested("POST", url, headers, body) as answer:
        return answer.status_code


@contextmanager
def requested(
    method: str, url: str, headers: dict[str, str], body: bytes = b"", *, timeout_s: float = TIMEOUT_S
) -> Iterator[httpx.Response]:
    """Send a request to the very address that was checked: a name may lead elsewhere a moment later.

    No redirect is followed; the answer's body is still to be read. Raises Invalid for an address in an internal network.
    """
    parts = httpx.URL(url)
    name = parts.raw_host.decode("ascii")
    headers = {"Host": parts.netloc.decode("ascii"), **headers}
    pinned = parts.copy_with(host=_resolve(url))
    with (
        httpx.Client(timeout=timeout_s, trust_env=False) as client,
        client.stream(
            method, pinned, content=body or None, headers=headers, extensions={"sni_hostname": name}
        ) as answer,
    ):
        yield answer


def _note(delivery: WebhookDelivery, status: int | None, error: str) -> None:
    """Keep the outcome. After the last try the delivery stays in the log as failed."""
    state = WebhookDelivery.State.DELIVERED
    if error:
        state = WebhookDelivery.State.FAILED if delivery.tries >= TRIES else WebhookDelivery.State.PENDING
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=state, status_code=status, error=error, answered_at=timezone.now()
    )


# --- Addresses ---------------------------------------------------------------------------------


def check_address(url: str) -> None:
    """Refuse addresses that are not http(s) or lead into our own network (SSRF).

    Raises Invalid with words for the person who typed the address.
    """
    _resolve(url)


def _resolve(url: str) -> str:
    """Return an IP address of the url's host. Raises Invalid."""
    try:
        parts = httpx.URL(url)
        host, scheme = parts.raw_host.decode("ascii"), parts.scheme
    except (httpx.InvalidURL, UnicodeError):
        host = scheme = ""
    if scheme not in {"http", "https"} or not host:
        raise Invalid(_("The address must begin with https:// and name a host."), field="url")
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise Invalid(_("The host of this address cannot be found."), field="url") from None
    if host not in settings.WEBHOOK_ALLOWED_HOSTS and not all(_is_public(ipaddress.ip_address(a)) for a in found):
        raise Invalid(_("The address leads into an internal network. Use a public one."), field="url")
    return found[0]


def _is_public(address: Address) -> bool:
    """Tell whether an address, and one that it wraps, belongs to the open internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
    return address.is_global and not address.is_multicast
