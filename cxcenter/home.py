"""Signing in and out, the way to one's own screen, and what a user likes."""

import json
import re
import unicodedata

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Right
from cxcenter.core import counts
from cxcenter.core.requests import address_of, staff_of

TRIES = 10
TRIES_S = 300


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Lead everybody to the screen of his role."""
    user = staff_of(request)
    if user.may(Right.BOARD):
        return redirect("board:now")
    if user.may(Right.VIEW_CUSTOMERS):
        return redirect("desk:desk")
    if user.may(Right.API):
        return redirect("api:docs")
    return render(request, "403.html", {"right": ""}, status=403)


class SignIn(LoginView):
    """The sign-in page. Guessing is slowed down by name at an address, by address and by name."""

    template_name = "sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Refuse for five minutes after too many wrong passwords.

        A try is counted before the slow look at its password: many at once find the door shut. One that is right
        is given back, so that a whole office may come in through one address.
        """
        # As the form reads it: other spellings of a name are not other names.
        name = unicodedata.normalize("NFKC", request.POST.get("username", "").strip())
        limits = _limits(address_of(request), re.sub(r"\W", "_", name)[:60].lower())
        # A refused try is counted no further: whoever is locked out here cannot lock out others.
        refused = next((why for key, limit, why in limits if counts.count(key, TRIES_S) > limit), None)
        if refused is not None:
            # Not the form as sent: to draw it would check its password after all, and show whether it was right.
            form = self.get_form_class()(request, initial={"username": name})
            return render(request, self.template_name, self.get_context_data(form=form, locked=refused), status=429)
        response: HttpResponse = super().post(request, *args, **kwargs)
        if response.status_code != 200:
            for key, _limit, _why in limits:
                counts.give_back(key, TRIES_S)
        return response


def _limits(address: str, name: str) -> list[tuple[str, int, str]]:
    """Return what a try counts against: the key, how many in five minutes, and what to tell beyond."""
    tired = _("Too many tries. Wait five minutes and try again.")
    others = _("Somebody has tried many wrong passwords for this name. Wait five minutes and try again.")
    return [
        (f"cx:signin:{address}:{name}", TRIES, tired),
        (f"cx:signin:{address}", TRIES * 10, tired),
        (f"cx:signin-name:{name}", TRIES * 5, others),
    ]


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the browser session. The desk asks for open contacts before."""
    logout(request)
    return redirect("sign-in")


@require_POST
@login_required
def save_preferences(request: HttpRequest) -> HttpResponse:
    """Save language, theme, sounds and keys of the user."""
    user = staff_of(request)
    fields = []
    if request.POST.get("language") in {"en", "ru"}:
        user.language = request.POST["language"]
        fields.append("language")
    if request.POST.get("theme") in User.Theme.values:
        user.theme = request.POST["theme"]
        fields.append("theme")
    said = _object(request.POST.get("preferences", ""))
    if said:
        user.preferences = {**user.preferences, **said}
        fields.append("preferences")
    user.save(update_fields=fields)
    return JsonResponse({"saved": fields})


def _object(text: str) -> dict[str, object]:
    """Return a small JSON object that the database can keep; an empty one for anything else."""
    try:
        said = json.loads(text) if len(text) < 10_000 and "\\u0000" not in text else None
        json.dumps(said, allow_nan=False)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
