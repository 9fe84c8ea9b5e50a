"""Forms of the administration: business hours that make sense, capacity by its act."""

from datetime import time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminPasswordWidget

from cxcenter.accounts.models import User
from cxcenter.core import webhooks
from cxcenter.core.adminkit import ZoneField
from cxcenter.core.errors import Invalid
from interactions.actions.commands import DIAL, OURS
from interactions.calls.table import Control
from interactions.choices import ExchangeKind
from interactions.models import Exchange, Extension
from routing import overflow
from routing.actions import presence
from routing.capacity import LIMITS
from routing.hours import MIDNIGHT, is_reversed
from routing.models import BusinessHours, Entrance, OpeningInterval, Presence

# A secret that nobody guesses: 32 characters of any alphabet.
SECRET_CHARS = 32


class ExchangeForm(forms.ModelForm):  # type: ignore[type-arg]
    """A telephone exchange. Its secret is typed and never shown; left empty it stays."""

    secret = forms.CharField(
        label=_("secret"),
        max_length=200,
        required=False,
        widget=UnfoldAdminPasswordWidget(),
        help_text=_("Left empty the secret stays as it is."),
    )

    class Meta:
        model = Exchange
        fields = (
            "name",
            "kind",
            "channel",
            "active",
            "host",
            "port",
            "username",
            "secret",
            "context",
            "url",
            "socket",
            "controls",
        )

    controls = forms.MultipleChoiceField(
        label=_("controls"),
        required=False,
        choices=[(one, one) for one in (*(control.value for control in Control if control not in OURS), DIAL)],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("What the platform can be asked to do. Others are not shown."),
    )

    def clean_url(self) -> str:
        """Refuse an address in an internal network. Raises ValidationError."""
        url = str(self.cleaned_data["url"])
        if url:
            try:
                webhooks.check_address(url)
            except Invalid as error:
                raise forms.ValidationError(str(error.message)) from None
        return url

    def clean_secret(self) -> str:
        """Return what was typed, else what was kept."""
        typed = self.cleaned_data["secret"] or self.instance.secret
        return str(typed)

    def clean(self) -> dict[str, Any]:
        """Ask for the address of an Asterisk, and for a channel that leads to a queue."""
        data: dict[str, Any] = super().clean() or {}
        if data.get("kind") == ExchangeKind.ASTERISK:
            for name in ("host", "username", "secret"):
                if not data.get(name):
                    self.add_error(name, _("An Asterisk is reached by its host, user and secret."))
        if data.get("kind") == ExchangeKind.SIP:
            self._check_platform(data)
        if data.get("kind") == ExchangeKind.BRIDGE and len(data.get("secret") or "") < SECRET_CHARS:
            words = _("A platform signs with a secret of %(least)s characters at least.")
            self.add_error("secret", words % {"least": SECRET_CHARS})
        channel = data.get("channel")
        if channel is not None and not Entrance.objects.filter(channel=channel, topic=None).exists():
            self.add_error("channel", _("Give the channel an entrance to a queue first: calls have to wait somewhere."))
        return data

    def _check_platform(self, data: dict[str, Any]) -> None:
        if not data.get("host"):
            self.add_error("host", _("A SIP platform has a domain: what stands behind the @ of its numbers."))
        # Browsers open sockets without TLS on this machine alone.
        if not str(data.get("socket")).startswith(("wss://", "ws://localhost", "ws://127.0.0.1")):
            self.add_error("socket", _("Browsers reach a SIP platform by an address that begins with wss://."))


class ExtensionForm(forms.ModelForm):  # type: ignore[type-arg]
    """A phone. Its password is typed and never shown; left empty it stays."""

    password = forms.CharField(
        label=_("password"),
        max_length=80,
        required=False,
        widget=UnfoldAdminPasswordWidget(),
        help_text=_("Of a SIP platform that takes no short-lived credentials. Left empty it stays as it is."),
    )

    class Meta:
        model = Extension
        fields = ("interface", "user", "password")

    def clean_password(self) -> str:
        """Return what was typed, else what was kept."""
        return str(self.cleaned_data["password"] or self.instance.password)


class HoursForm(forms.ModelForm):  # type: ignore[type-arg]
    """Business hours: a name and a zone that exists."""

    zone = ZoneField(help_text=_("The hours below are read in this zone, daylight saving included."))

    class Meta:
        model = BusinessHours
        fields = ("name", "zone")


class IntervalFormSet(PaginationInlineFormSet):  # type: ignore[misc]
    """Intervals of a week: each the right way round, none over another of its day."""

    def clean(self) -> None:
        """Put the words of a mistake at the interval that makes it."""
        super().clean()
        seen: list[tuple[int, time, time]] = []
        for form in _filled(self, "day", "opens", "closes"):
            day, opens, closes = (form.cleaned_data[name] for name in ("day", "opens", "closes"))
            if is_reversed(opens, closes):
                form.add_error(
                    "closes",
                    _("It closes before it opens. An interval over midnight is two: till 00:00, and from 00:00."),
                )
                continue
            for other_day, other_opens, other_closes in seen:
                if day == other_day and _overlap((opens, closes), (other_opens, other_closes)):
                    words = _("It overlaps with %(opens)s–%(closes)s of %(day)s.")
                    named = {
                        "opens": f"{other_opens:%H:%M}",
                        "closes": f"{other_closes:%H:%M}",
                        "day": OpeningInterval.Day(day).label,
                    }
                    form.add_error("opens", words % named)
                    break
            seen.append((day, opens, closes))


def _overlap(one: tuple[time, time], other: tuple[time, time]) -> bool:
    """Tell whether two intervals of a day share a minute."""
    (opens, closes), (other_opens, other_closes) = one, other
    return (closes == MIDNIGHT or other_opens < closes) and (other_closes == MIDNIGHT or opens < other_closes)


class HolidayFormSet(PaginationInlineFormSet):  # type: ignore[misc]
    """Days that differ: closed, or open in one interval; each date once."""

    def clean(self) -> None:
        """Put the words of a mistake at the day that makes it."""
        super().clean()
        dates: set[Any] = set()
        for form in _filled(self, "date"):
            day, opens, closes = (form.cleaned_data.get(name) for name in ("date", "opens", "closes"))
            if (opens is None) != (closes is None):
                form.add_error("closes", _("Write both times, or none for a day that is closed."))
            elif opens is not None and closes is not None and is_reversed(opens, closes):
                form.add_error("closes", _("It closes before it opens."))
            if day in dates:
                form.add_error("date", _("This date is in the list already."))
            dates.add(day)


class OverflowFormSet(PaginationInlineFormSet):  # type: ignore[misc]
    """Rules of overflow: no circle over any queue, and none that is never asked because one before it always acts."""

    def clean(self) -> None:
        """Put the words of a mistake at the rule that makes it."""
        super().clean()
        rules = sorted(_filled(self, "when", "then"), key=lambda form: form.cleaned_data.get("place") or 0)
        for form in rules:
            to = form.cleaned_data.get("to")
            if to is not None:
                try:
                    overflow.refuse_loop(self.instance, [to])
                except Invalid as error:
                    form.add_error("to", error.message)
        said = [form.cleaned_data for form in rules]
        for number in overflow.never_asked((one["when"], one["then"], one.get("limit") or 0) for one in said):
            words = _("A rule before it always acts first. Put this one above it, or delete it.")
            rules[number].add_error("when", words)


def _filled(formset: Any, *names: str) -> list[Any]:
    """Return the forms that stay and have all of the named fields."""
    return [
        form
        for form in formset.forms
        if hasattr(form, "cleaned_data")
        and not form.cleaned_data.get("DELETE")
        and all(form.cleaned_data.get(name) is not None for name in names)
    ]


class CapacityFormSet(PaginationInlineFormSet):  # type: ignore[misc]
    """An operator's capacity, set by the act: routing writes the same row all the time. The page puts in `actor`."""

    actor: User

    def save_new(self, form: "forms.ModelForm[Any]", commit: bool = True) -> Presence:
        """Set the capacity of an operator who has not worked yet."""
        return self._set(form)

    def save_existing(self, form: "forms.ModelForm[Any]", obj: Presence, commit: bool = True) -> Presence:
        """Change the capacity."""
        return self._set(form)

    def _set(self, form: "forms.ModelForm[Any]") -> Presence:
        said, profile = form.cleaned_data, form.cleaned_data.get("profile")
        if profile is not None:
            return presence.use_profile(user=self.instance, profile=profile, actor=self.actor)
        return presence.set_capacity(
            user=self.instance, actor=self.actor, **{column: said[column] for column in LIMITS.values()}
        )
