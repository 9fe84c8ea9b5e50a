"""What who waits hears: nothing by itself, our own, or a file that may be played to callers."""

import io

import av
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cxcenter.widget import sites
from interactions.forms import SiteForm
from interactions.models import Channel, Site
from tests import sounds
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
TUNE = sounds.wav(sounds.call_of(2))


@pytest.fixture
def site(place):
    site = place[2]
    site.voice = Channel.objects.create(name="Calls of the site", kind="voice")
    site.save()
    return site


def told(site) -> str:
    sites._kept.clear()
    return Visitor(site).post("call/session", {"site": site.key})["music"]


def form(site, content: bytes | None = TUNE, **said) -> SiteForm:
    """The settings of the site as they stand, with these changes and a file."""
    # One that was refused leaves what was sent on the row that it was made of.
    site = Site.objects.get(pk=site.pk)
    blank = SiteForm(instance=site)
    stands = {name: blank.get_initial_for_field(field, name) for name, field in blank.fields.items()}
    stands |= {"origins": "http://localhost:9001", "tracked_types": "", "music": "file", **said}
    files = {"music_file": SimpleUploadedFile("tune.wav", content)} if content else {}
    return SiteForm({name: value for name, value in stands.items() if value not in (None, False)}, files, instance=site)


def test_nothing_our_own_or_a_file(site):
    assert told(site) == ""
    assert Client().get(f"/widget/music/{site.key}/").status_code == 404
    site.music = "built_in"
    site.save()
    assert told(site) == "built_in"
    filled = form(site, music_licence="on")
    assert filled.is_valid(), filled.errors
    filled.save()
    address = told(site)
    assert address.startswith(f"/widget/music/{site.key}/?v=")
    answer = Client().get(address)
    assert answer["Content-Type"] == "audio/webm" and "sandbox" in answer["Content-Security-Policy"]
    content = b"".join(answer)
    with av.open(io.BytesIO(content)) as opened:
        assert opened.streams.audio[0].codec_context.name == "opus"
    assert sounds.level(sounds.decoded(content)[0], sounds.CUSTOMER) > 0.2


def test_a_file_is_refused_without_its_licence_and_without_sound(site):
    assert set(form(site).errors) == {"music_licence"}
    assert set(form(site, None, music_licence="on").errors) == {"music_file"}
    assert set(form(site, b"<html>", music_licence="on").errors) == {"music_file"}
    assert not form(site, None, music="built_in").errors, "our own asks for neither"
