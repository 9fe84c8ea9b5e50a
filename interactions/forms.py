"""Forms of the administration: the settings of a site."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminColorInputWidget

from cxcenter.core.adminkit import LinesField
from interactions.choices import ChannelKind
from interactions.models import Channel, Site

EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,39}")
HOST = re.compile(
    r"(localhost|\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)(:\d{1,5})?"
)


def origin(line: str) -> str:
    """Return a site's origin, scheme and host alone, in lower case. Raises ValidationError with words."""
    text = line.lower().removesuffix("/")
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not HOST.fullmatch(parts.netloc):
        raise ValidationError(
            _("“%(line)s” is not an origin. Write it like https://shop.example."), params={"line": line}
        )
    if parts.path or parts.query or parts.fragment:
        raise ValidationError(
            _("“%(line)s” names a page. Write the scheme and the host only: %(origin)s."),
            params={"line": line, "origin": f"{parts.scheme}://{parts.netloc}"},
        )
    return text


def event_type(line: str) -> str:
    """Return the name of an event a site may report. Raises ValidationError with words."""
    if not EVENT_TYPE.fullmatch(line):
        raise ValidationError(
            _("“%(line)s” is not a name of an event. Use small Latin letters, digits and _, like cart_add."),
            params={"line": line},
        )
    return line


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]
    """A site with its origins and events as lines, its colour by a picker."""

    origins = LinesField(
        label=_("allowed origins"),
        each=origin,
        help_text=_("One per line: the scheme and the host, like https://shop.example. Only these may embed the chat."),
    )
    tracked_types = LinesField(
        label=_("events the site may report"),
        each=event_type,
        required=False,
        help_text=_("One per line, like cart_add. Views of pages are always reported."),
    )

    class Meta:
        model = Site
        fields = (
            "channel",
            "voice",
            "title",
            "origins",
            "colour",
            "greeting",
            "greeting_ru",
            "ask_name",
            "ask_contact",
            "need_contact",
            "ask_topic",
            "topics",
            "ask_consent",
            "consent_url",
            "contact_line",
            "tracked_types",
            "gone_after_s",
            "keep_place_s",
            "rate_per_min",
        )
        widgets = {"colour": UnfoldAdminColorInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the channels that are chats on a site."""
        super().__init__(*args, **kwargs)
        self.fields["channel"].queryset = Channel.objects.filter(kind=ChannelKind.WEBCHAT)  # type: ignore[attr-defined]

    def clean_colour(self) -> str:
        """Keep the colour in small letters, as browsers pick it."""
        return str(self.cleaned_data["colour"]).lower()
