"""Sites as the widget's doors know them: kept in the process for a moment, so that a message costs no query."""

import re
import time

from django.utils.translation import gettext as _

from cxcenter.core.errors import NotFound
from interactions.models import Site

KEPT_S = 5.0
# What may stand in a policy header: nothing that could end it or begin another.
ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:\d{1,5})?", re.IGNORECASE)
_kept: dict[int | str, tuple[float, Site]] = {}


def site_of(key: int | str) -> Site:
    """Return an active site by its public key or its row's number. Raises NotFound."""
    kept = _kept.get(key)
    if kept is not None and time.monotonic() - kept[0] < KEPT_S:
        return kept[1]
    found = Site.objects.filter(channel__active=True).select_related("channel", "voice").prefetch_related("topics")
    site = found.filter(pk=key).first() if isinstance(key, int) else found.filter(key=key).first()
    if site is None:
        _kept.pop(key, None)
        raise NotFound(_("There is no such site."), code="no_site")
    _kept[site.pk] = _kept[site.key] = (time.monotonic(), site)
    return site


def channels_of(site: Site) -> list[int]:
    """Return the channels in which visitors of a site talk: its chat, and its calls if it has them."""
    return [channel for channel in (site.channel_id, site.voice_id) if channel]


def origins_of(site: Site) -> list[str]:
    """Return the origins that may embed the site's chat, as browsers spell them."""
    return [o.rstrip("/").lower() for o in site.origins if isinstance(o, str) and ORIGIN.fullmatch(o.rstrip("/"))]
