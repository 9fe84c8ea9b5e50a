"""Forms of the administration: users and tokens."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserChangeForm as BaseUserChangeForm
from unfold.forms import UserCreationForm as BaseUserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from cxcenter.accounts.models import ApiToken, User
from cxcenter.accounts.roles import Role
from cxcenter.accounts.scopes import Scope
from cxcenter.core.adminkit import ZoneField

INSTALLATION = _("as the installation")


class UserChangeForm(BaseUserChangeForm):  # type: ignore[misc]
    """What an administrator changes of a user. The acting administrator is put into `actor` by the page."""

    actor: User
    zone = ZoneField(empty=INSTALLATION)

    class Meta(BaseUserChangeForm.Meta):  # type: ignore[misc]
        model = User
        fields = "__all__"

    def clean(self) -> dict[str, Any]:
        """Refuse to take the way in from oneself: somebody must be left who can undo it."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk == self.actor.pk:
            if cleaned.get("role") != Role.ADMIN:
                self.add_error("role", _("You cannot take the administrator's role from yourself."))
            if not cleaned.get("is_active"):
                self.add_error("is_active", _("You cannot switch yourself off."))
        return cleaned


class UserCreationForm(BaseUserCreationForm):  # type: ignore[misc]
    """A new user with his first password."""

    class Meta(BaseUserCreationForm.Meta):  # type: ignore[misc]
        model = User
        fields = ("username", "first_name", "last_name", "email", "role", "team", "language")


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new token."""

    scopes = forms.MultipleChoiceField(
        label=_("What the token may do"),
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("As little as the program needs. To write includes to read."),
    )

    class Meta:
        model = ApiToken
        fields = ("user", "name", "scopes", "expires_at")
        help_texts = {
            "user": _("The account in whose name the program acts."),
            "name": _("What it is for: you will look for this word when it has to be revoked."),
            "expires_at": _("Empty: no end. A year is a good habit."),
        }

    def clean_expires_at(self) -> Any:
        """Refuse an end that has passed."""
        moment = self.cleaned_data["expires_at"]
        if moment is not None and moment <= timezone.now():
            raise ValidationError(_("Choose a time that is still to come."))
        return moment
