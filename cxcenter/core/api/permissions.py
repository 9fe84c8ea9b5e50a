"""The doors of the API."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request


def scope_needed(view: Any, method: str) -> str:
    """Return the scope that a call needs: the action's own, else the view's name for reading or writing."""
    if own := view.scopes.get(view.action):
        return str(own)
    return f"{view.scope}:{'read' if method in SAFE_METHODS else 'write'}"


class Scoped(BasePermission):
    """Let through who passes the door: staff by their rights, tokens by their scopes."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask the user; which rows he then sees is decided by `visible_to`."""
        if not request.user.is_authenticated:
            return False
        scope = scope_needed(view, str(request.method))
        self.message = _("This needs the scope %(scope)s.") % {"scope": scope}
        return bool(request.user.passes(scope))
