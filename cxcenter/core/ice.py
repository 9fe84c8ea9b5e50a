"""By which servers two browsers find a way to each other.

A STUN server tells a browser its address outside; a TURN server passes sound on where there is no direct way. Who may use the
TURN server is told by a name and a password that hold for some hours (the "REST API" of coturn, `use-auth-secret`:
name = end:who, password = base64 of HMAC-SHA1 of the name under the shared secret).
"""

import base64
import hashlib
import hmac
import time
from typing import Any

from django.conf import settings

LIFE_S = 12 * 3600


def servers(who: str) -> list[dict[str, Any]]:
    """Return what RTCPeerConnection takes as `iceServers`; empty where both sides are in one network."""
    found: list[dict[str, Any]] = [{"urls": urls} for urls in [settings.STUN_URLS] if urls]
    if settings.TURN_URLS:
        name = f"{int(time.time()) + LIFE_S}:{who}"
        found.append({"urls": settings.TURN_URLS, "username": name, "credential": password(name, settings.TURN_SECRET)})
    return found


def password(name: str, secret: str) -> str:
    """Return the password of a name at who shares a secret with us: a TURN server, a SIP platform."""
    # The algorithm is that of the protocol, not ours to choose.
    made = hmac.new(secret.encode(), name.encode(), hashlib.sha1)
    return base64.b64encode(made.digest()).decode()
