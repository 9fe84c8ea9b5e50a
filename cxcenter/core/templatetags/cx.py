"""Template words of all screens: icons, initials, times, safe links."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape, format_html, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

register = template.Library()
COLOURS = "abcdef"
# E.164, as phones are kept.
WHOLE_NUMBER = re.compile(r"\+\d{7,15}(;ext=\d+)?")


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """Draw an icon of the sprite by name; it says nothing to a screen reader."""
    return format_html(
        '<svg class="i i-{} {}" aria-hidden="true"><use href="{}#{}"/></svg>',
        name,
        css,
        static("vendor/icons.svg"),
        name,
    )


@register.filter
def initials(name: str) -> str:
    """Return up to two initials: "Екатерина Воронцова" → "ЕВ"."""
    return "".join(word[0] for word in str(name).split()[:2]).upper() or "?"


@register.filter
def colour(name: str) -> str:
    """Return a stable avatar colour class for a name."""
    return COLOURS[sum(map(ord, str(name))) % len(COLOURS)]


@register.filter
def named(thing: Any) -> str:
    """Name what has a name in each language, in the reader's one; nothing is named by nothing."""
    return thing.label(get_language() or "en") if thing else ""


@register.filter
def phone(text: str) -> str:
    """Write a whole phone number as people read it: "+79005550184" → "+7 900 555-01-84"; whatever else it is stays."""
    if not WHOLE_NUMBER.fullmatch(text):
        return text
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return text
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


@register.filter
def clock(seconds: float | None) -> str:
    """Write seconds as m:ss or h:mm:ss."""
    if seconds is None:
        return "–"
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


@register.filter
def time_of_day(moment: datetime) -> SafeString:
    """Write a moment as its time of the day; machines read all of it."""
    local = timezone.localtime(moment)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), f"{local:%H:%M}")


@register.filter
def unix(moment: datetime | None) -> str:
    """Write a moment as unix seconds for timers that tick in the browser."""
    return str(int(moment.timestamp())) if moment else ""


@register.filter
def moment(at: datetime | None) -> str:
    """Write a moment as the hour if it is of today, else with its day, in the reader's zone."""
    if at is None:
        return ""
    local = timezone.localtime(at)
    return date_format(local, "H:i" if local.date() == timezone.localdate() else gettext("j M, H:i"))


@register.filter
def time_there(at: datetime, zone: str) -> str:
    """Write a moment as its time of the day in another time zone."""
    return f"{timezone.localtime(at, ZoneInfo(zone)):%H:%M}"


@register.filter
def heading(day: date) -> str:
    """Name a day over what happened in it: "Today, 21 November", "12 November", "3 March 2024"."""
    today = timezone.localdate()
    words = date_format(day, gettext("j E") if day.year == today.year else gettext("j E Y"))
    names = {today: gettext("Today, %(day)s"), today - timedelta(days=1): gettext("Yesterday, %(day)s")}
    return names.get(day, "%(day)s") % {"day": words}


@register.filter
def body(text: str) -> SafeString:
    """Show what somebody wrote: escaped, links clickable without referrer, line breaks kept."""
    linked = urlize(escape(text), nofollow=True, autoescape=False).replace(
        "<a ", '<a target="_blank" referrerpolicy="no-referrer" '
    )
    return mark_safe(linked.replace('rel="nofollow"', 'rel="nofollow noopener noreferrer"').replace("\n", "<br>"))  # noqa: S308 — escaped above
