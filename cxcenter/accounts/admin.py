"""Pages of people and access."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm

from cxcenter.accounts import actions
from cxcenter.accounts.forms import TokenForm, UserChangeForm, UserCreationForm
from cxcenter.accounts.models import ApiToken, Team, User
from cxcenter.accounts.roles import Role
from cxcenter.accounts.scopes import Scope
from cxcenter.core.adminkit import SettingsAdmin, act_on_each, badge

# Rights come from roles; groups would be a second truth.
admin.site.unregister(Group)


ROLES: dict[str, str] = {Role.ADMIN: "bad", Role.SUPERVISOR: "warn", Role.SENIOR: "ok", Role.INTEGRATOR: "info"}
TOKENS = {"works": "ok", "revoked": "bad", "expired": "warn"}


@admin.register(User)
class UserAdmin(SettingsAdmin, BaseUserAdmin):
    """Members of staff and accounts of integrations."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("full_name", "username", "role_label", "team", "language", "is_active", "last_login")
    list_display_links = ("full_name", "username")
    list_filter = ("role", "team", "is_active", "language")
    list_select_related = ("team",)
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("first_name", "last_name")
    autocomplete_fields = ("team",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    actions = ("switch_on", "switch_off")
    also_written = ("is_staff", "is_superuser")
    fieldsets = (
        (_("Who"), {"fields": (("first_name", "last_name"), "email")}),
        (
            _("Work"),
            {
                "fields": (("role", "team"),),
                "description": _("The role decides what the user sees and may do; only administrators come in here."),
            },
        ),
        (
            _("Signing in"),
            {
                "fields": ("username", "password", "is_active", ("last_login", "date_joined")),
                "description": _("Who leaves is switched off, not deleted: his work stays in the history."),
            },
        ),
        (_("Screens"), {"fields": (("language", "zone"), "theme")}),
    )
    add_fieldsets = (
        (_("Who"), {"fields": (("first_name", "last_name"), "email")}),
        (_("Work"), {"fields": (("role", "team"), "language")}),
        (_("Signing in"), {"fields": ("username", "password1", "password2")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: the work of who has left stays in the history."""
        return False

    @display(description=_("name"), ordering="first_name")
    def full_name(self, user: User) -> str:
        """Show the name as colleagues see it."""
        return user.name

    @display(description=_("role"), ordering="role")
    def role_label(self, user: User) -> SafeString:
        """Show the role as a label."""
        return badge(ROLES, user.role, user.get_role_display())

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> "type[forms.ModelForm[Any]]":
        """Tell the form who is acting."""
        form: type[forms.ModelForm[Any]] = super().get_form(request, obj, change=change, **kwargs)
        form.actor = request.user  # type: ignore[attr-defined]
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: "forms.ModelForm[Any]", change: bool) -> None:
        """Open this administration to administrators alone."""
        obj.is_staff = obj.role == Role.ADMIN
        obj.is_superuser = obj.is_superuser and obj.is_staff
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        """Let the chosen users sign in."""
        act_on_each(request, rows, lambda user: actions.set_active(user=user, active=True, actor=request.user))  # type: ignore[arg-type]

    @admin.action(description=_("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        """Shut the chosen users out."""
        act_on_each(request, rows, lambda user: actions.set_active(user=user, active=False, actor=request.user))  # type: ignore[arg-type]


@admin.register(Team)
class TeamAdmin(SettingsAdmin):
    """Groups of operators with their supervisors."""

    list_display = ("name", "heads", "people")
    search_fields = ("name",)
    autocomplete_fields = ("supervisors",)
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "supervisors"),
                "description": _("Supervisors see the board of the team, move its contacts and close its queues."),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        """Count the members once for the whole list."""
        rows: QuerySet[Team] = super().get_queryset(request)
        return rows.annotate(people_count=Count("members", distinct=True)).prefetch_related("supervisors")

    @display(description=_("supervisors"))
    def heads(self, team: Team) -> str:
        """Name the supervisors."""
        return ", ".join(user.name for user in team.supervisors.all())

    @display(description=_("members"), ordering="people_count")
    def people(self, team: Team) -> int:
        """Count the members."""
        return team.people_count  # type: ignore[attr-defined]


@admin.register(ApiToken)
class TokenAdmin(SettingsAdmin):
    """Keys of other programs. The secret is shown once, when the token is issued."""

    form = TokenForm
    list_display = ("name", "user", "prefix", "standing", "created_at", "used_at", "expires_at")
    list_filter = ("user",)
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    autocomplete_fields = ("user",)
    actions = ("revoke",)
    fieldsets = (
        (
            None,
            {
                "fields": ("user", "name", "scopes", "expires_at"),
                "description": _("The secret is shown once, on the next page. Nobody can read it again."),
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show all of an issued token; ask only for the choices of a new one."""
        if obj is None:
            return self.fieldsets
        times = ("created_at", "used_at", "expires_at", "revoked_at")
        return ((None, {"fields": ("standing", "user", "name", "prefix", "may_do", times)}),)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to change an issued token: it is revoked, and a new one issued."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a revoked token stays as a trace."""
        return False

    @display(description=_("state"))
    def standing(self, token: ApiToken) -> SafeString:
        """Show whether the token opens anything."""
        if token.revoked_at is not None:
            return badge(TOKENS, "revoked", _("revoked"))
        if token.expires_at is not None and token.expires_at <= timezone.now():
            return badge(TOKENS, "expired", _("expired"))
        return badge(TOKENS, "works", _("works"))

    @display(description=_("What the token may do"))
    def may_do(self, token: ApiToken) -> str:
        """Name the scopes in words."""
        words = dict(Scope.choices)
        return "; ".join(str(words.get(scope, scope)) for scope in token.scopes)

    def save_model(self, request: HttpRequest, obj: Any, form: "forms.ModelForm[Any]", change: bool) -> None:
        """Issue the token by the act; its secret lives as long as this request."""
        chosen = form.cleaned_data
        token, secret = actions.issue_token(
            user=chosen["user"],
            name=chosen["name"],
            scopes=chosen["scopes"],
            expires_at=chosen["expires_at"],
            actor=request.user,  # type: ignore[arg-type]
        )
        obj.pk, obj.prefix, obj.digest = token.pk, token.prefix, token.digest
        request.issued_secret = secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show the secret on the answer itself: it is put into no message, cookie or address."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("The token is issued"),
            "token": obj,
            "secret": request.issued_secret,  # type: ignore[attr-defined]
            "opts": self.opts,
        }
        answer = TemplateResponse(request, "admin/accounts/apitoken/issued.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    @admin.action(description=_("Revoke"), permissions=["view"])
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiToken]) -> None:
        """End the chosen tokens at once."""
        act_on_each(request, rows, lambda token: actions.revoke_token(token=token, actor=request.user))  # type: ignore[arg-type]
