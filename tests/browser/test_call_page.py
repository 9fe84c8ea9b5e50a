"""The page of calls beside the talk: a message that is left, music, what a shut door offers, a call link."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.phones import CUSTOMER_HZ, OPERATOR_HZ, RATE, Phones, loud, sides

# How loud what a page makes itself is: everything that goes to its speakers.
TAP = """
window.taps = [];
const join = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to === this.context.destination) {
    const looks = this.context.createAnalyser();
    join.call(this, looks);
    window.taps.push(looks);
  }
  return join.call(this, to, ...rest);
};
window.loudness = () => Math.max(0, ...window.taps.map((looks) => {
  if (looks.context.state !== "running") return 0;
  const samples = new Float32Array(looks.fftSize);
  looks.getFloatTimeDomainData(samples);
  return Math.max(...samples.map(Math.abs));
}));
"""
SETTINGS = """
from interactions.models import Site
from routing.models import Queue
Queue.objects.filter(name="Calls of {name}").update(voicemail=True, voicemail_after_s={after}, callbacks=True)
Site.objects.filter(key="call-{name}").update(music="built_in")
"""
HEARD = """
from interactions.actions import recordings
from interactions.models import Interaction, Recording, Task
recordings.finish_all()
row = Recording.objects.filter(state="ready", interaction__thread__channel__name="Calls of {name}").last()
print(row.public_id if row else "", row.interaction.close_reason if row else "", Task.objects.filter(kind="voicemail", interaction=row.interaction).count() if row else "")
"""


def left(phones: Phones) -> tuple[list[str], bytes]:
    """What was left last, and its sound as the operator hears it."""
    told: list[str] = []
    for _try in range(30):
        told = phones.stack.run(HEARD.format(name=phones.name)).split()
        if told:
            break
        phones.page.wait_for_timeout(1000)
    assert told, "no message came"
    token = phones.desk.evaluate("JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRFToken']")
    url = f"{phones.stack.url}/desk/recordings/{told[0]}/listen/"
    answer = phones.desk.request.post(url, headers={"X-CSRFToken": token, "Referer": phones.stack.url})
    assert answer.ok, answer.text()
    return told, phones.desk.request.get(f"{phones.stack.url}{answer.json()['url']}").body()


def wait_for(page: Page, is_so: Callable[[float], bool], words: str) -> None:
    for _try in range(30):
        if is_so(page.evaluate("loudness()")):
            return
        page.wait_for_timeout(200)
    pytest.fail(words)


def speak(page: Page, seconds: float) -> None:
    """Record so long: the microphone's tone is what is said."""
    expect(page.get_by_role("heading", name="Speak now")).to_be_visible()
    page.wait_for_timeout(seconds * 1000)
    assert float(page.get_by_role("meter").evaluate("one => one.value")) > 0.1, "he sees how loud he is"
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Your message")).to_be_visible()


def sounds_like(content: bytes, seconds: float) -> None:
    one, other = sides(content)
    assert np.array_equal(one, other), "a message is one voice"
    assert loud(one, CUSTOMER_HZ) and not loud(one, OPERATOR_HZ)
    assert seconds - 1 < len(one) / RATE < seconds + 1.5, len(one) / RATE


def test_at_a_shut_door_a_message_is_left_and_heard(phones: Phones) -> None:
    phones.stack.run(SETTINGS.format(name=phones.name, after=0))
    page = phones.page
    page.goto(f"{phones.stack.url}/widget/call/call-{phones.name}/")
    expect(page.get_by_role("heading", name="Nobody can answer now")).to_be_visible()
    expect(page.get_by_role("button", name="Book a call")).to_be_visible()
    page.get_by_role("button", name="Leave a voice message").click()
    page.get_by_label("Your name").fill("Kate Larsen")
    page.get_by_label("Phone or e-mail").fill("8 900 555-01-84")
    page.get_by_role("button", name="Record", exact=True).click()
    speak(page, 6)
    page.get_by_role("button", name="Record again").click()
    speak(page, 3)
    tries: list[str] = []

    def lose(route: Route) -> None:
        # The first one is lost on its way, the second one's answer is.
        tries.append(route.request.url)
        if len(tries) == 1:
            route.abort()
        elif len(tries) == 2:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/call/voicemail", lose)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("Your message is kept in this browser")
    expect(page.get_by_role("heading", name="Your message is left")).to_be_visible(timeout=20_000)
    assert len(tries) >= 3
    told, content = left(phones)
    assert told[1:] == ["voicemail", "1"], told
    sounds_like(content, 3)
    phones.desk.goto(f"{phones.stack.url}/desk/tasks/")
    phones.desk.get_by_role("listitem").filter(has_text="Kate Larsen").get_by_role("link", name="Listen").click()
    expect(phones.desk.locator("[data-player]").or_(phones.desk.locator(".cx-player")).first).to_be_visible()


def test_a_message_outlives_its_page(phones: Phones) -> None:
    phones.stack.run(SETTINGS.format(name=phones.name, after=0))
    address = f"{phones.stack.url}/widget/call/call-{phones.name}/"

    def record(page: Page, name: str) -> None:
        page.get_by_role("button", name="Leave a voice message").click()
        page.get_by_label("Your name").fill(name)
        page.get_by_role("button", name="Record", exact=True).click()
        speak(page, 3)

    def reopen(page: Page) -> Page:
        fresh = page.context.new_page()
        page.close()
        fresh.goto(address)
        return fresh

    # He heard it and closed the page: he is asked, nothing is sent for him.
    phones.page.goto(address)
    record(phones.page, "Kate Larsen")
    page = reopen(phones.page)
    expect(page.get_by_role("heading", name="Your message")).to_be_visible()
    expect(page.get_by_role("button", name="Record again")).to_have_count(0)
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("heading", name="Nobody can answer now")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Nobody can answer now")).to_be_visible()

    # He sent it, and it could not go: it goes when the page is opened again, with what he said of himself.
    page.route("**/call/voicemail", lambda route: route.abort())
    record(page, "Boris Petrov")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("Your message is kept in this browser")
    page = reopen(page)
    expect(page.get_by_role("heading", name="Your message is left")).to_be_visible(timeout=20_000)
    told, content = left(phones)
    assert told[1:] == ["voicemail", "1"], told
    sounds_like(content, 3)
    said = f"print([one.caller for one in Interaction.objects.filter(thread__channel__name='Calls of {phones.name}')])"
    assert "Boris Petrov" in phones.stack.run(f"from interactions.models import Interaction; {said}")
    page.reload()
    expect(page.get_by_role("heading", name="Nobody can answer now")).to_be_visible()


def test_who_waits_hears_music_and_may_leave_a_message_instead(phones: Phones) -> None:
    phones.stack.run(SETTINGS.format(name=phones.name, after=2))
    page = phones.page
    page.context.add_init_script(TAP)
    phones.become_available()
    phones.desk.get_by_label("My status").click()
    page.goto(f"{phones.stack.url}/widget/call/call-{phones.name}/")
    expect(page.get_by_text("The call will be recorded.")).to_be_visible()
    assert page.evaluate("taps.length") == 0, "nothing sounds before the click"
    page.get_by_label("Your name").fill("Kate Larsen")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#call")).to_have_attribute("data-music", "on")
    expect(page.get_by_text("The call will be recorded.")).to_be_visible()
    wait_for(page, lambda loudness: 0.005 < loudness < 0.3, "it sounds, and is quiet")
    page.get_by_role("button", name="Switch the music off").click()
    wait_for(page, lambda loudness: loudness < 0.001, "it is off")
    page.reload()
    expect(page.get_by_role("button", name="Switch the music on")).to_be_visible()
    page.get_by_role("button", name="Leave a voice message").click()
    speak(page, 3)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Your message is left")).to_be_visible()
    told, content = left(phones)
    assert told[1:] == ["voicemail", "1"], told
    sounds_like(content, 3)


def test_a_customer_calls_by_the_link_that_was_copied(phones: Phones) -> None:
    customer = phones.stack.run(
        "from customers import actions; "
        f"print(actions.create_profile(source='shop', fields={{'name': 'Larsen of {phones.name}'}}).customer_id)"
    ).strip()
    phones.become_available()
    desk, page = phones.desk, phones.page
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    title = f"call-{phones.name}"
    # The first of all sites: the menu does not hold those of all tests.
    first = f"site = Site.objects.get(key='{title}'); site.title = '0 {title}'; site.save(); print(site.pk)"
    site = phones.stack.run(f"from interactions.models import Site; {first}").strip()
    desk.goto(f"{phones.stack.url}/desk/customers/{customer}/")
    desk.locator(".cx-custhead").get_by_label("More").click()
    desk.locator(f"[data-call-link][data-values='site={site}&me=1']").click()
    expect(desk.locator("#toasts")).to_contain_text("The link is copied")
    address = desk.evaluate("navigator.clipboard.readText()")
    page.goto(address)
    expect(page.get_by_label("Your name")).to_have_count(0)
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("heading", name="Calling…")).to_be_visible()
    expect(desk.get_by_role("alertdialog")).to_contain_text("calls by the link that")
    phones.answer(f"Larsen of {phones.name}")
    phones.hears(page, operator=True)
    page.reload()
    expect(page.locator("#call")).to_have_attribute("data-sound", "connected")
    other = page.context.browser.new_context(locale="en-GB").new_page()
    other.goto(address)
    expect(other.get_by_role("heading", name="This link cannot be used")).to_be_visible()
    other.get_by_role("button", name="Call without the link").click()
    expect(other.get_by_label("Your name")).to_be_visible()
    other.context.close()
    page.get_by_role("button", name="Hang up").click()
    expect(page.get_by_role("heading", name="The call is over")).to_be_visible()
    assert re.fullmatch(r".+#link=[0-9a-f]{32}\.[\w-]+", address)
