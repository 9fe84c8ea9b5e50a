"""The operator's page: what is written stays with its session, what changes is shown, every act has its way back."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Windows
from tests.browser.desks import TONES, Desk, Place
from tests.servers import Stack

# Eva sees what gina does.
BESIDE = """
from tests import world
from cxcenter.accounts.models import Team
from interactions.models import QuickReply
from routing.models import Queue, QueueMember
team = Team.objects.get(name="Desk")
eva = world.make_user("eva", team=team, language="en")
QueueMember.objects.create(user=eva, queue=Queue.objects.get(name="Chat of gina"))
QuickReply.objects.create(shortcut="prices", text="A part costs what its maker says", language="en", team=team)
"""


@pytest.fixture(scope="module")
def place(installation: Stack) -> Place:
    found = Place(installation)
    found.seat("Desk", anna={}, boris={}, clara={"offer_s": 5}, dave={"auto_accept": True}, fay={}, gina={})
    found.run(BESIDE)
    return found


def test_what_is_written_stays_with_its_session(place: Place, windows: Windows) -> None:
    anna = Desk(place, windows, "anna")
    anna.become_available()
    anna.take("Maria Lind", "Oleg Berg")
    # A note that is taken back while another talk is open goes to the draft of its own, as a note.
    anna.open("Maria Lind")
    anna.page.get_by_role("tab", name="Internal note").click()
    anna.say("Her bill is unpaid")
    anna.open("Oleg Berg")
    anna.message.fill("Dear Oleg")
    anna.undo()
    expect(anna.page.get_by_text("Kept as a draft of its session")).to_be_visible()
    expect(anna.message).to_have_value("Dear Oleg")
    anna.composer_is_for_notes(False)
    # Whoever goes on at once loses no letter of his draft.
    anna.open("Maria Lind")
    expect(anna.message).to_have_value("Her bill is unpaid")
    anna.composer_is_for_notes(True)
    anna.open("Oleg Berg")
    expect(anna.message).to_have_value("Dear Oleg")
    anna.message.fill("Dear Oleg,")
    anna.page.reload()
    expect(anna.message).to_have_value("Dear Oleg,")
    # In its own talk a withdrawn reply comes back over nothing that is written meanwhile.
    anna.say("First")
    anna.message.fill("Second")
    anna.undo()
    expect(anna.message).to_have_value("Second\nFirst")
    anna.message.fill("")


def test_what_is_refused_stays_until_its_writer_decides(place: Place, windows: Windows) -> None:
    anna = Desk(place, windows, "anna")
    anna.message.fill("The part has come")
    again = Desk(place, windows, "anna")
    again.finish()
    # The page tells that it is not what it was, and keeps what is written.
    expect(anna.page.get_by_text("What is shown here has changed.")).to_be_visible()
    expect(anna.message).to_have_value("The part has come")
    anna.page.keyboard.press("Enter")
    failed = anna.log.locator(".fail")
    expect(failed).to_contain_text("Not sent")
    anna.page.reload()
    expect(failed).to_contain_text("The part has come")
    expect(anna.page.get_by_role("form", name="Wrap-up")).to_be_visible()
    failed.get_by_role("button", name="Retry").click()
    expect(failed).to_contain_text("Not sent")
    failed.get_by_role("button", name="Edit again").click()
    expect(failed).to_have_count(0)
    anna.page.reload()
    expect(anna.log).to_be_visible()
    expect(failed).to_have_count(0)


def test_offers_are_declined_run_out_and_come_by_themselves(place: Place, windows: Windows) -> None:
    clara = Desk(place, windows, "clara")
    clara.become_available()
    place.chats("clara", "Dora Kern", "Emil Nolde")
    count = clara.offer("Dora Kern").locator(".cx-ring b")
    expect(count).to_have_text(re.compile("[1-5]"))
    clara.offer("Dora Kern").get_by_role("button", name="Decline").click()
    expect(clara.offer("Dora Kern")).to_be_hidden()
    # The other runs out: he is told why nothing comes any more, and how it comes again.
    expect(clara.offer("Emil Nolde")).to_be_hidden(timeout=15_000)
    missed = clara.page.get_by_role("alert").filter(has_text="You did not accept a contact in time")
    expect(missed).to_be_visible(timeout=15_000)
    expect(clara.page.locator("#status summary")).to_have_attribute("data-state", "not_responding")
    missed.get_by_role("button", name="Become available").click()
    expect(clara.page.locator("#status summary")).to_have_attribute("data-current", "available")
    expect(missed).to_be_hidden()

    dave = Desk(place, windows, "dave")
    dave.page.add_init_script(TONES)
    dave.page.reload()
    dave.become_available()
    place.chats("dave", "Fred Astaire")
    expect(dave.page.get_by_role("tab", name=re.compile("Fred Astaire"))).to_be_visible()
    dave.hears()


def test_lists_and_the_talk_stay_true_without_a_reload(place: Place, windows: Windows) -> None:
    fay = Desk(place, windows, "fay")
    fay.become_available()
    fay.take("Gina Lollo", "Hans Arp")
    fay.page.locator("[data-show=all]").click()
    expect(fay.row("Gina Lollo")).to_be_visible()
    place.in_talk("Gina Lollo", "world.say(chat, 'Are you there?')")
    expect(fay.page.get_by_role("tab", name=re.compile("Gina Lollo")).locator(".cx-unread")).to_be_visible()
    expect(fay.row("Gina Lollo")).to_be_visible()
    fay.row("Gina Lollo").click()
    expect(fay.page.get_by_role("heading", level=1)).to_have_text("Gina Lollo")
    expect(fay.row("Gina Lollo")).to_have_attribute("aria-current", "true")
    # The visitor walks on, a colleague edits the card.
    place.in_talk(
        "Gina Lollo",
        """
from cxcenter.core import realtime
from customers import actions
chat.thread.page = {"title": "Winter tyres", "url": "https://shop.example/tyres"}
chat.thread.save(update_fields=["page"])
realtime.push((realtime.staff_group(chat.thread_id), {"kind": "page", "thread": chat.thread_id, "page": chat.thread.page}))
actions.edit_customer(customer=chat.profile.customer, fields={"city": "Tula"}, version=None, actor=User.objects.get(username="eva"))
""",
    )
    expect(fay.page.locator("#where")).to_contain_text("Winter tyres")
    expect(fay.page.locator("#side [data-edit=city]")).to_have_text("Tula")
    city = fay.page.locator("#side [data-edit=city]")
    city.click()
    city.locator("input").fill("Orel")
    fay.page.keyboard.press("Enter")
    expect(city).to_have_text("Orel")
    # Yesterday's messages stand under their day, and the session that begins now under its divider.
    place.in_talk(
        "Gina Lollo",
        """
from datetime import timedelta
from django.utils import timezone
from interactions.actions import talk
from interactions.models import Message
first = Message.objects.filter(interaction=chat).order_by("seq").first()
Message.objects.filter(pk=first.pk).update(at=timezone.now() - timedelta(days=1))
Interaction.objects.filter(pk=chat.pk).update(opened_at=timezone.now() - timedelta(days=1))
""",
    )
    fay.page.reload()
    expect(fay.log.locator(".cx-day")).to_have_count(1)
    fay.finish()
    fay.wrap_up("")
    fay.page.goto(f"{place.stack.url}/desk/")
    fay.page.locator("[data-show=all]").click()
    fay.row("Gina Lollo").click()
    expect(fay.page.get_by_text("This session has ended.")).to_be_visible()
    place.in_talk("Gina Lollo", "world.open_chat(None, 'One thing more', thread=chat.thread)")
    expect(fay.log.get_by_text("One thing more")).to_be_visible()
    expect(fay.log.locator("[data-divider]")).to_have_count(2)


def test_an_offer_whose_push_was_lost_is_found(place: Place, windows: Windows) -> None:
    boris = Desk(place, windows, "boris")
    boris.become_available()

    def swallow(line) -> None:
        server = line.connect_to_server()
        server.on_message(lambda text: None if '"offer"' in text or '"signal"' in text else line.send(text))

    boris.page.route_web_socket(re.compile("/ws/desk/"), swallow)
    boris.page.reload()
    boris.page.wait_for_timeout(1000)
    place.chats("boris", "Ivo Pogo")
    expect(boris.offer("Ivo Pogo")).to_be_visible(timeout=20_000)
    boris.accept("Ivo Pogo")


def test_writing_by_keys(place: Place, windows: Windows) -> None:
    boris = Desk(place, windows, "boris")
    page, quick = boris.page, boris.page.locator("#quick")
    if page.get_by_role("tab").count() == 0:
        boris.become_available()
        boris.take("Ivo Pogo")
    price = "A part costs what its maker says"
    # The button keeps what is written; Enter before the list has come sends no "/prices".
    boris.message.fill("Hello. ")
    page.locator("[data-act=quick]").click()
    quick.get_by_role("option").first.click()
    expect(boris.message).to_have_value(re.compile(r"Hello\. .+"))
    boris.message.fill("")
    boris.message.type("/prices")
    page.keyboard.press("Enter")
    expect(boris.message).to_have_value(price)
    # Nor does it take the first of a list of fewer letters, which is shown until the right one has come.
    held: list[Route] = []
    page.route("**/quick-replies/?q=prices", lambda route: held.append(route))  # noqa: PLW0108 (a builtin cannot be marked)
    boris.message.fill("")
    boris.message.type("/")
    expect(quick.get_by_role("option").nth(1)).to_be_visible()
    with page.expect_request("**/quick-replies/?q=prices"):
        boris.message.type("prices")
    page.keyboard.press("Enter")
    expect(boris.message).to_have_value("/prices")
    held.pop().continue_()
    expect(boris.message).to_have_value(price)
    page.unroute("**/quick-replies/?q=prices")
    boris.message.fill("")
    boris.message.type("/nothing like it")
    expect(quick.get_by_text("Nothing found")).to_be_visible()
    page.keyboard.press("Enter")
    expect(boris.message).to_have_value("/nothing like it")
    page.keyboard.press("Escape")
    expect(quick).to_be_hidden()
    boris.message.fill("")
    assert boris.log.get_by_text("/prices").count() == 0

    page.keyboard.press("Alt+j")
    page.locator("#emoji").get_by_role("option").first.click()
    expect(boris.message).to_have_value("🙂")
    page.keyboard.press("Alt+j")
    page.keyboard.press("Escape")
    expect(page.locator("#emoji")).to_be_hidden()
    expect(boris.message).to_be_focused()
    page.keyboard.press("Alt+s")
    page.keyboard.type("Question")
    expect(boris.log.locator(".is-target")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#find")).to_be_hidden()
    expect(boris.log.locator(".is-target")).to_have_count(0)

    # The digit after Alt 0 is a state, not a letter; a pause asks for its reason.
    status = page.locator("#status summary")
    page.keyboard.press("Alt+0")
    page.keyboard.press("2")
    expect(page.locator("#status [data-presence=pause]").first).to_be_focused()
    expect(status).to_have_attribute("data-current", "available")
    page.keyboard.press("Enter")
    expect(status).to_have_attribute("data-current", "pause")
    boris.message.focus()
    page.keyboard.press("Alt+0")
    page.keyboard.press("1")
    expect(status).to_have_attribute("data-current", "available")
    expect(boris.message).to_have_value("🙂")
    boris.message.fill("")

    # Who goes by Tab passes the search; what is typed there goes on in the palette, and Esc gives the place back.
    search = page.get_by_label("Search customers", exact=True)
    search.focus()
    page.keyboard.press("Tab")
    expect(page.locator("#status summary")).to_be_focused()
    search.focus()
    page.keyboard.type("int")
    expect(page.locator("#palette-q")).to_have_value("int")
    page.keyboard.press("Escape")
    expect(search).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("internal note")
    expect(page.locator("#palette-list [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    boris.composer_is_for_notes(True)
    # A key has one meaning; what is chosen is the same in the next browser.
    page.get_by_label("Help and shortcuts").click()
    help_ = page.get_by_role("dialog")
    help_.get_by_role("button", name="Alt I").focus()
    page.keyboard.press("t")
    expect(help_.get_by_role("alert")).to_contain_text("Alt T: Transfer.")
    page.keyboard.press("n")
    expect(help_.get_by_role("button", name="Alt N")).to_be_visible()
    help_.get_by_role("button", name="Close").click()
    again = Desk(place, windows, "boris")
    again.message.focus()
    again.composer_is_for_notes(False)
    again.page.keyboard.press("Alt+n")
    again.composer_is_for_notes(True)
    again.page.keyboard.press("Alt+n")

    again.message.evaluate(
        """(el) => {
            const data = new DataTransfer();
            data.items.add(new File(["the frame number"], "frame.txt", { type: "text/plain" }));
            el.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }"""
    )
    expect(again.log.get_by_text("frame.txt")).to_be_visible()
    # An article goes to the reply it was looked up for.
    again.page.keyboard.press("Alt+k")
    again.page.locator("#articles button").first.click()
    again.page.get_by_role("button", name="Insert into the reply").click()
    expect(again.message).not_to_have_value("")
    again.message.fill("")


def test_a_colleague_is_seen_and_answers_that_cross_are_asked_about(place: Place, windows: Windows) -> None:
    gina = Desk(place, windows, "gina")
    gina.become_available()
    gina.take("Kurt Weil", "Jana Leto")
    eva = Desk(place, windows, "eva")
    eva.page.goto(gina.page.url)
    others = gina.page.locator("#others")
    expect(others).to_contain_text("Eva is looking too")
    # Slowly: her line may not be open yet at the first letters.
    eva.message.press_sequentially("Ask him when it is to be", delay=200)
    expect(others).to_contain_text("Eva is typing")
    # While her line is down a colleague's reply comes: hers is kept, and she decides.
    gina.page.context.set_offline(True)
    gina.message.fill("Come at noon")
    gina.page.keyboard.press("Enter")
    place.in_talk("Jana Leto", "world.reply(chat, User.objects.get(username='eva'), 'Come at ten')")
    gina.page.context.set_offline(False)
    question = gina.page.get_by_role("dialog")
    question.get_by_role("button", name="Cancel").click()
    failed = gina.log.locator(".fail")
    expect(failed).to_contain_text("Come at noon")
    expect(gina.log.get_by_text("Come at ten")).to_be_visible()
    failed.get_by_role("button", name="Edit again").click()
    expect(gina.message).to_have_value("Come at noon")
    gina.message.fill("")


def test_acts_have_their_way_back(place: Place, windows: Windows) -> None:
    gina = Desk(place, windows, "gina")
    page = gina.page
    gina.open("Jana Leto")
    page.locator("[data-key=snooze]").click()
    page.get_by_role("button", name="An hour").click()
    page.get_by_role("button", name="Take up again").click()
    expect(page.locator("[data-key=snooze]")).to_be_visible()
    # Off the card and on it again.
    gina.more("Take off this card")
    expect(page.get_by_text("This session is on nobody's card.")).to_be_visible()
    gina.undo()
    expect(page.locator("#side h2")).to_be_visible()
    # Blocked, by mistake; blocked, and lifted from the list.
    gina.more("Block for an hour")
    gina.undo()
    gina.more("Block for a day")
    page.get_by_label("Gina", exact=True).click()
    page.get_by_role("button", name="Blocked visitors").click()
    blocked = page.get_by_role("dialog").get_by_role("listitem")
    expect(blocked.get_by_role("button", name="Lift")).to_have_count(1)
    blocked.get_by_role("button", name="Lift").click()
    expect(blocked).to_have_count(0)
    page.get_by_role("dialog").get_by_label("Close").click()
    # One column at a time on a narrow screen.
    page.set_viewport_size({"width": 420, "height": 800})
    for pane, shown in (("List", "#list"), ("Card", "#side"), ("Talk", "#chat")):
        page.get_by_role("button", name=pane, exact=True).click()
        for column in ("#list", "#side", "#chat"):
            assert page.locator(column).is_visible() == (column == shown), (pane, column)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    page.set_viewport_size({"width": 1366, "height": 768})
    # Spam ends it for good, after a question; who leaves with open contacts is asked first.
    page.get_by_label("Gina", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("dialog").get_by_role("button", name="Stay and finish them").click()
    gina.more("Mark as spam")
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    expect(page.get_by_role("tab", name=re.compile("Jana Leto"))).to_have_count(0)
    page.get_by_label("Gina", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("dialog").get_by_role("button", name="Move them to the queue").click()
    expect(page.get_by_label("Password")).to_be_visible()
