"""What routing adds to the pages of people: capacity, queues, states, pauses."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from cxcenter.accounts.admin import UserAdmin
from cxcenter.core.adminkit import JournalAdmin, RowsInline, SettingsAdmin, act_on_each, badge
from routing.actions import presence as acts
from routing.choices import Mode, State
from routing.forms import CapacityFormSet
from routing.models import CapacityProfile, GivesWay, PauseReason, Presence, PresenceInterval, QueueMember


class CapacityInline(RowsInline):
    """How many contacts of each kind the operator takes at once: those of a profile, or numbers of his own."""

    model = Presence
    formset = CapacityFormSet
    fields = ("profile", "calls", "capacity", "callbacks")
    hide_title = True
    can_delete = False
    max_num = 1
    verbose_name_plural = _("load")

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """Offer the field to those who have not worked yet."""
        return 0 if obj is not None and hasattr(obj, "presence") else 1

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Tell the formset who is acting."""
        formset = super().get_formset(request, obj, **kwargs)
        formset.actor = request.user
        return formset


class MembershipInline(RowsInline):
    """The queues the operator serves."""

    model = QueueMember
    fields = ("queue", "until")
    hide_title = True
    autocomplete_fields = ("queue",)
    verbose_name = _("queue")
    verbose_name_plural = _("queues")


UserAdmin.inlines = (*UserAdmin.inlines, CapacityInline, MembershipInline)

STATES: dict[str, str] = {
    State.AVAILABLE: "ok",
    State.BUSY: "info",
    State.WRAPUP: "info",
    State.PAUSE: "warn",
    State.MEETING: "info",
    State.TRAINING: "info",
    State.NOT_RESPONDING: "bad",
}


def state_badge(row: Presence | PresenceInterval) -> SafeString:
    """Show a state, with the reason of a pause."""
    reason = f": {row.reason}" if row.reason else ""
    return badge(STATES, row.state, f"{row.get_state_display()}{reason}")


@admin.register(PauseReason)
class PauseReasonAdmin(SettingsAdmin):
    """Why operators take no contacts for a while."""

    list_display = ("name", "name_ru", "limit_min", "active")
    list_filter = ("active",)
    search_fields = ("name", "name_ru")
    fieldsets = (
        (
            None,
            {
                "fields": (("name", "name_ru"), ("limit_min", "active")),
                "description": _("A pause longer than the limit is shown to the supervisor."),
            },
        ),
    )


@admin.register(CapacityProfile)
class CapacityProfileAdmin(SettingsAdmin):
    """How many contacts of each kind fill an operator, for many of them at once."""

    list_display = ("name", "calls", "capacity", "callbacks", "standard", "people")
    search_fields = ("name",)
    fieldsets = (
        (
            None,
            {
                "fields": ("name", ("calls", "capacity", "callbacks"), "standard"),
                "description": _(
                    "Kinds of work share an operator: with 1 call and 4 chats, a chat takes a quarter of him and a call all. "
                    "With 2 calls a second one comes while the first is on hold. "
                    "What takes no room from what is set by the rules of interruption."
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[CapacityProfile]":
        """Count who has each."""
        return super().get_queryset(request).annotate(people=Count("presences"))

    @display(description=_("operators"), ordering="people")
    def people(self, profile: Any) -> int:
        """Show how many operators have it."""
        return int(profile.people)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Give its numbers to all who have it."""
        super().save_model(request, obj, form, change)
        acts.spread_profile(profile=obj, actor=request.user)  # type: ignore[arg-type]


@admin.register(GivesWay)
class GivesWayAdmin(SettingsAdmin):
    """Rules of interruption: which work takes no room from which."""

    list_display = ("work", "to")
    list_display_links = ("work",)
    fieldsets = (
        (
            None,
            {
                "fields": (("work", "to"),),
                "description": _(
                    "An operator who has only such work is free for the other. The other way round it holds only with a rule of its own."
                ),
            },
        ),
    )


@admin.register(Presence)
class PresenceAdmin(JournalAdmin):
    """What operators do now."""

    list_display = ("user", "team", "standing", "since", "loaded")
    list_filter = ("state", "user__team")
    list_select_related = ("user__team", "reason")
    search_fields = ("user__username", "user__first_name", "user__last_name")
    ordering = ("user__first_name",)
    actions = ("sign_off",)

    @display(description=_("team"), ordering="user__team")
    def team(self, presence: Presence) -> str:
        """Name the team."""
        return str(presence.user.team or "")

    @display(description=_("state"), ordering="state")
    def standing(self, presence: Presence) -> SafeString:
        """Show the state, with the reason of a pause."""
        return state_badge(presence)

    @display(description=_("load"), ordering="load")
    def loaded(self, presence: Presence) -> str:
        """Show how many contacts of each kind of how many."""
        return " · ".join(f"{kind['words']} {kind['load']}/{kind['limit']}" for kind in presence.kinds)

    @admin.action(description=_("Move the contacts to the queues and sign off"), permissions=["view"])
    def sign_off(self, request: HttpRequest, rows: QuerySet[Presence]) -> None:
        """Take the chosen operators off duty; their customers wait first in line."""
        act_on_each(request, rows, lambda presence: _sign_off(presence, request.user))


def _sign_off(presence: Presence, actor: Any) -> None:
    acts.set_mode(user=presence.user, mode=Mode.OFFLINE, actor=actor, move=True)
