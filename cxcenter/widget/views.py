"""The script that a site embeds, and the frame that it opens."""

from functools import lru_cache
from hashlib import sha256

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import condition, require_safe

from cxcenter.core.errors import NotFound
from cxcenter.core.middleware import STRICT
from cxcenter.widget import sites
from cxcenter.widget.texts import texts
from routing import calls

LOADER_KEPT_S = 300
FRAME_KEPT_S = 60


@lru_cache(maxsize=1)
def _loader() -> bytes:
    return (settings.BASE_DIR / "static/widget/loader.js").read_bytes()


def _loader_etag(_request: HttpRequest) -> str:
    return f'"{sha256(_loader()).hexdigest()[:20]}"'


@require_safe
@condition(etag_func=_loader_etag)
def loader(_request: HttpRequest) -> HttpResponse:
    """Serve the script that a site embeds."""
    response = HttpResponse(_loader(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={LOADER_KEPT_S}"
    # Pages that isolate themselves take scripts only from who says so.
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@require_safe
@xframe_options_exempt
def frame(request: HttpRequest, key: str) -> HttpResponse:
    """Serve the chat's frame: only the site's own pages may embed it."""
    try:
        site = sites.site_of(key)
    except NotFound:
        raise Http404 from None
    origins = sites.origins_of(site)
    asked = request.GET.get("lang", "")[:2].lower()
    language = asked if asked in {"en", "ru"} else get_language_from_request(request)
    language = "ru" if language == "ru" else "en"
    config: dict[str, object] = {"site": site.key, "origins": origins, "language": language, "colour": site.colour}
    config["calls"] = site.voice is not None and site.voice.active
    config["icons"] = static("vendor/icons.svg")
    config["day"] = [edge.hour for edge in calls.DAY]
    with translation.override(language):
        context = {"site": site, "language": language, "config": config, "texts": texts()}
        response = render(request, "widget/frame.html", context)
    embedders = " ".join(origins) or "'none'"
    response["Content-Security-Policy"] = f"{STRICT}; frame-ancestors {embedders}"
    response["Cache-Control"] = f"public, max-age={FRAME_KEPT_S}"
    response["Referrer-Policy"] = "no-referrer"
    patch_vary_headers(response, ["Accept-Language"])
    return response
