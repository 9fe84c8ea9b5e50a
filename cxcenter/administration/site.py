"""The admin site: one way in for everybody."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from cxcenter.accounts.roles import Right


class Site(UnfoldAdminSite):  # type: ignore[misc]
    """Settings of the contact center."""

    index_title = _("Settings")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead strangers to the one sign-in page, where guessing is slowed down; tell others whom to ask."""
        if request.user.is_authenticated:
            return render(request, "403.html", {"right": Right.SETTINGS}, status=403)
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
