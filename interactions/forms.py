"""Forms of the administration: the settings of a site."""

import re
import uuid
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminColorInputWidget

from cxcenter.core.adminkit import LinesField
from interactions import sound
from interactions.choices import ChannelKind, Music
from interactions.models import Channel, Site

LARGEST_MUSIC_MB = 20
LONGEST_MUSIC_S = 600
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
            "link_hours",
            "music",
            "music_file",
            "music_licence",
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

    def clean_music_file(self) -> Any:
        """Keep a new file as sound of one form, whatever it was: what is in it beside the sound goes nowhere."""
        file = self.cleaned_data["music_file"]
        if not isinstance(file, UploadedFile):
            return file
        if (file.size or 0) > LARGEST_MUSIC_MB * 1024 * 1024:
            raise ValidationError(_("The file is too large: %(limit)s MB at most."), params={"limit": LARGEST_MUSIC_MB})
        try:
            if sound.length_s(file) > LONGEST_MUSIC_S:
                minutes = LONGEST_MUSIC_S // 60
                raise ValidationError(_("The music is too long: %(limit)s minutes at most."), params={"limit": minutes})
            with NamedTemporaryFile() as made:
                sound.convert(file, made.name)
                return ContentFile(made.read(), name=f"{uuid.uuid4()}.webm")
        except sound.Unplayable:
            raise ValidationError(_("There is no sound in this file that can be played.")) from None

    def clean(self) -> dict[str, Any] | None:
        """Refuse a file that is not there, or that nobody says may be played."""
        given = super().clean()
        if self.cleaned_data.get("music") == Music.FILE:
            if not self.cleaned_data.get("music_file") and "music_file" not in self.errors:
                self.add_error("music_file", _("Choose the file."))
            if not self.cleaned_data.get("music_licence"):
                self.add_error("music_licence", _("Say that you may play it: see its licence."))
        return given
