"""The reader's own language and zone for every page."""

import zoneinfo
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

Answer = Callable[[HttpRequest], HttpResponse]


@lru_cache(maxsize=64)
def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """Return the zone of that name, or the installation's default for an unknown one."""
    try:
        return zoneinfo.ZoneInfo(name or settings.DEFAULT_ZONE)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo(settings.DEFAULT_ZONE)


class Preferences:
    """Activate language and zone of the signed-in user; strangers get what their browser asks for."""

    def __init__(self, get_response: Answer) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in the reader's language; the visitor's frame and the API choose for themselves."""
        if request.path.startswith(("/widget/", "/static/")):
            return self.get_response(request)
        user = request.user
        language = user.language if user.is_authenticated else translation.get_language_from_request(request)
        with translation.override(language), timezone.override(zone_of(getattr(user, "zone", ""))):
            request.LANGUAGE_CODE = language
            return self.get_response(request)
