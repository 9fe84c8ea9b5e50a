"""Small questions about a request that all screens ask."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from cxcenter.core.errors import CxError, Invalid

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

View = Callable[..., HttpResponseBase]


def staff_of(request: HttpRequest) -> "User":
    """Return the signed-in user of a request that is known to have one."""
    return cast("User", request.user)


def address_of(request: HttpRequest) -> str:
    """Return the client's address: the last one that our own proxies added, never one he can forge."""
    chain = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    hops = settings.TRUSTED_PROXIES
    if hops and len(chain) >= hops:
        return chain[-hops]
    return str(request.META.get("REMOTE_ADDR", ""))


def needs(right: str) -> Callable[[View], View]:
    """Let only signed-in users with a right through; others sign in or get a page that names the right."""

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not staff_of(request).may(right):  # type: ignore[arg-type]
                return render(request, "403.html", {"right": right}, status=403)
            return answered(view, request, *args, **kwargs)

        return guarded

    return wrap


def answered(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
    """Call a view and turn a CxError into its answer: a page for a person who followed an address, else JSON.

    The JSON is {code, message, …} with the error's status.
    """
    try:
        _refuse_zero_bytes(request)
        return view(request, *args, **kwargs)
    except CxError as error:
        if is_page(request):
            return render(request, "refused.html", {"message": error.message}, status=error.status)
        return JsonResponse({"code": error.code, "message": str(error.message), **error.detail}, status=error.status)


def _refuse_zero_bytes(request: HttpRequest) -> None:
    """PostgreSQL keeps no zero bytes, and nobody types one."""
    for sent in (request.GET, request.POST):
        if any("\x00" in value for _name, values in sent.lists() for value in values):
            raise Invalid(_("This cannot be read."))


def is_page(request: HttpRequest) -> bool:
    """Tell whether a person looks at a whole page, rather than a script asks for a part or data."""
    asks_page = "text/html" in request.headers.get("Accept", "")
    return request.method == "GET" and asks_page and "HX-Request" not in request.headers
