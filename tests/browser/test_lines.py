"""The desk on a line that fails or hangs: what was typed and pressed is not lost, and nothing moves under the hand."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Windows
from tests.browser.desks import TONES, Desk, Place
from tests.servers import Stack

DRAFT = re.compile(r"/draft/$")
MESSAGES = re.compile(r"/desk/s/\d+/messages/$")
SIGNAL = "from cxcenter.core import realtime; realtime.signal(chat.legs.latest('pk').operator_id, '{what}', chat.pk)"


@pytest.fixture(scope="module")
def place(installation: Stack) -> Place:
    found = Place(installation)
    found.seat("Lines", hugo={}, ines={}, jack={}, kim={}, lena={"target_s": 1})
    return found


def test_a_draft_that_could_not_be_saved_is_not_lost(place: Place, windows: Windows) -> None:
    hugo = Desk(place, windows, "hugo")
    hugo.become_available()
    hugo.take("Maria Lind", "Oleg Berg")
    page = hugo.page
    page.route(DRAFT, lambda route: route.abort())
    with page.expect_event("requestfailed", lambda request: DRAFT.search(request.url)):
        hugo.message.fill("Dear Oleg, the part")
    # The line is back for pages before the draft is saved again.
    hugo.open("Maria Lind")
    hugo.open("Oleg Berg")
    expect(hugo.message).to_have_value("Dear Oleg, the part")
    page.reload()
    expect(hugo.message).to_have_value("Dear Oleg, the part")
    # And at the next change of tab the server has it, for every browser.
    page.unroute(DRAFT)
    hugo.open("Maria Lind")
    again = Desk(place, windows, "hugo")
    again.open("Oleg Berg")
    expect(again.message).to_have_value("Dear Oleg, the part")


def test_what_is_begun_while_a_message_still_waits_stays_a_draft(place: Place, windows: Windows) -> None:
    hugo = Desk(place, windows, "hugo")
    hugo.open("Oleg Berg")
    page = hugo.page
    page.route(MESSAGES, lambda route: route.abort())
    hugo.message.fill("has come")
    page.keyboard.press("Enter")
    expect(hugo.log.get_by_text("waits")).to_be_visible()
    with page.expect_response(DRAFT):
        hugo.message.fill("Shall we call you?")
    with page.expect_response(MESSAGES):
        page.unroute(MESSAGES)
    expect(hugo.log.get_by_text("has come")).to_be_visible()
    again = Desk(place, windows, "hugo")
    again.open("Oleg Berg")
    expect(again.message).to_have_value("Shall we call you?")


def test_forms_are_kept_while_one_looks_elsewhere(place: Place, windows: Windows) -> None:
    ines = Desk(place, windows, "ines")
    ines.become_available()
    ines.take("Nina Hagen", "Otto Dix")
    page = ines.page
    subject, complaint = page.get_by_label(re.compile("^Subject")), page.get_by_role("radio", name="Complaint")
    ines.open_section("Cases")
    subject.fill("The engine knocks")
    complaint.check(force=True)
    page.get_by_label("Priority").select_option(label="High")
    ines.open("Nina Hagen")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nina Hagen")
    ines.open("Otto Dix")
    ines.open_section("Cases")
    expect(subject).to_have_value("The engine knocks")
    page.reload()
    expect(subject).to_have_value("The engine knocks")
    expect(complaint).to_be_checked()
    expect(page.get_by_label("Priority").locator("option:checked")).to_have_text("High")
    # An answer that got lost: sent again it is one case, and the form is empty.
    held: list[Route] = []
    page.route(re.compile("/cases/register/$"), lambda route: (route.fetch(), route.abort(), held.append(route)))
    page.keyboard.press("Escape")
    subject.press("Control+Enter")
    expect(page.get_by_role("alert").filter(has_text="No connection")).to_be_visible()
    page.unroute(re.compile("/cases/register/$"))
    page.get_by_role("button", name=re.compile("^Register")).click()
    expect(page.get_by_text("Registered: CS-")).to_be_visible()
    expect(subject).to_have_value("")
    assert len(held) == 1
    made = place.run(
        "from interactions.models import Case; print(Case.objects.filter(subject='The engine knocks').count())"
    )
    assert made.strip().endswith("1")
    # A wrap-up as well.
    ines.open("Nina Hagen")
    ines.finish()
    note = page.get_by_label("Short note for those who come after you")
    note.fill("Wants it blue")
    ines.open("Otto Dix")
    ines.open("Nina Hagen")
    expect(note).to_have_value("Wants it blue")


def test_a_case_that_a_colleague_changed_is_not_written_over_unseen(place: Place, windows: Windows) -> None:
    ines = Desk(place, windows, "ines")
    page = ines.page
    ines.open("Otto Dix")
    ines.open_section("Cases")
    subject, text = page.get_by_label(re.compile("^Subject")), page.get_by_label("What happened")
    subject.fill("The brakes squeal")
    page.get_by_role("button", name=re.compile("^Register")).click()
    expect(page.get_by_text("Registered: CS-")).to_be_visible()
    pk = place.run(
        "from interactions.models import Case; print(Case.objects.get(subject='The brakes squeal').pk)"
    ).split()[-1]
    page.goto(f"{place.stack.url}/desk/cases/{pk}/")
    text.fill("In the rain only")
    place.run(
        "from interactions.actions import cases; from django.db import transaction; from cxcenter.accounts.models import User\n"
        "with transaction.atomic(): cases.change_case("
        f"case_id={pk}, version=None, actor=User.objects.get(username='kim'), subject='The brakes squeal loudly')"
    )
    page.get_by_role("button", name=re.compile("^Save")).click()
    expect(page.get_by_role("alert")).to_contain_text("A colleague has changed this case")
    page.reload()
    # The change is kept, beside the colleague's, and both are shown before anything is saved.
    expect(page.get_by_role("alert")).to_contain_text("A colleague has changed this meanwhile")
    expect(subject).to_have_value("The brakes squeal loudly")
    expect(text).to_have_value("In the rain only")
    page.get_by_role("button", name=re.compile("^Save")).click()
    expect(page.get_by_text("Saved")).to_be_visible()
    page.reload()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(subject).to_have_value("The brakes squeal loudly")
    expect(text).to_have_value("In the rain only")


def test_a_form_whose_answer_got_lost_makes_one_thing_after_a_reload_too(place: Place, windows: Windows) -> None:
    ines = Desk(place, windows, "ines")
    page = ines.page
    ines.open("Otto Dix")
    ines.open_section("Cases")
    subject, register = page.get_by_label(re.compile("^Subject")), re.compile("/cases/register/$")
    subject.fill("The horn is silent")
    page.route(register, lambda route: (route.fetch(), route.abort()))
    subject.press("Control+Enter")
    expect(page.get_by_role("alert").filter(has_text="No connection")).to_be_visible()
    page.unroute(register)
    page.reload()
    expect(subject).to_have_value("The horn is silent")
    page.get_by_role("button", name=re.compile("^Register")).click()
    expect(page.get_by_text("Registered: CS-")).to_be_visible()
    made = place.run(
        "from interactions.models import Case; print(Case.objects.filter(subject='The horn is silent').count())"
    )
    assert made.split()[-1] == "1"


def test_a_draft_saved_behind_its_message_does_not_stay(place: Place, windows: Windows) -> None:
    hugo = Desk(place, windows, "hugo")
    hugo.open("Maria Lind")
    page = hugo.page
    held: list[Route] = []
    page.route(DRAFT, lambda route: held.append(route) if not held else route.continue_())
    with page.expect_request(DRAFT):
        hugo.message.fill("It is on its way")
    with page.expect_response(MESSAGES):
        page.keyboard.press("Enter")
    with page.expect_response(DRAFT):
        held[0].continue_()
    with page.expect_response(DRAFT) as emptied:
        pass
    assert emptied.value.ok
    again = Desk(place, windows, "hugo")
    again.open("Maria Lind")
    expect(again.message).to_have_value("")


def test_a_text_given_back_goes_behind_a_draft_that_is_not_saved_yet(place: Place, windows: Windows) -> None:
    hugo = Desk(place, windows, "hugo")
    hugo.open("Maria Lind")
    page = hugo.page
    hugo.say("Too early")
    page.route(DRAFT, lambda route: route.abort())
    with page.expect_event("requestfailed", lambda request: DRAFT.search(request.url)):
        hugo.message.fill("And then")
    hugo.open("Oleg Berg")
    hugo.undo()
    expect(page.get_by_text("Kept as a draft")).to_be_visible()
    page.unroute(DRAFT)
    hugo.open("Maria Lind")
    expect(hugo.message).to_have_value("And then\nToo early")


def test_an_offer_can_be_accepted_after_a_failure_and_keeps_the_focus(place: Place, windows: Windows) -> None:
    jack = Desk(place, windows, "jack")
    jack.become_available()
    page = jack.page
    place.chats("jack", "Paula Modersohn")
    offer = jack.offer("Paula Modersohn")
    accept = offer.get_by_role("button", name=re.compile("^Accept"))
    accept.focus()
    with page.expect_response(re.compile("/desk/offers/$")):
        place.in_talk("Paula Modersohn", SIGNAL.format(what="presence"))
    expect(accept).to_be_focused()
    page.route(re.compile(r"/accept/$"), lambda route: route.abort())
    accept.click()
    expect(page.get_by_text("No connection. Try again when it is back.")).to_be_visible()
    page.unroute(re.compile(r"/accept/$"))
    jack.accept("Paula Modersohn")


def test_nothing_moves_while_one_reads_or_searches(place: Place, windows: Windows) -> None:
    jack = Desk(place, windows, "jack")
    page = jack.page
    expect(jack.message).to_be_focused()
    page.keyboard.press("Alt+s")
    page.keyboard.type("Question")
    expect(jack.log.locator(".is-target")).to_have_count(1)
    place.in_talk("Paula Modersohn", SIGNAL.format(what="sessions"))
    expect(page.get_by_text("What is shown here has changed.")).to_be_visible()
    expect(jack.log.locator(".is-target")).to_have_count(1)
    expect(page.locator("#find-q")).to_be_focused()


def test_a_line_that_swallows_everything_is_noticed(place: Place, windows: Windows) -> None:
    """No answer and no error: the request is given up, what was typed is sent once when the line answers."""
    kim = Desk(place, windows, "kim")
    page = kim.page
    kim.become_available()
    kim.take("Rosa Bonheur")
    page.clock.install()
    page.reload()
    swallowed: list[str] = []
    page.route(MESSAGES, lambda route: swallowed.append(route.request.url))
    kim.message.fill("Do you hear me?")
    with page.expect_event("requestfailed", lambda request: MESSAGES.search(request.url)):
        page.keyboard.press("Enter")
        expect(kim.log.get_by_text("waits")).to_be_visible()
        page.clock.fast_forward(16_000)
    page.unroute(MESSAGES)
    page.clock.fast_forward(4_000)
    expect(kim.log.get_by_text("waits")).to_have_count(0)
    expect(kim.log.get_by_text("Do you hear me?")).to_have_count(1)
    assert swallowed


def test_a_breach_rings_once(place: Place, windows: Windows) -> None:
    lena = Desk(place, windows, "lena")
    page = lena.page
    lena.become_available()
    lena.take("Suzanne Valadon")
    page.clock.install()
    page.add_init_script(TONES)
    page.reload()
    rung = lena.hears()
    for _ in range(3):
        page.clock.fast_forward(12_000)
        with page.expect_response(re.compile("/desk/parts/")):
            place.in_talk("Suzanne Valadon", SIGNAL.format(what="load"))
        page.clock.run_for(2_000)
    expect(lena.row("Suzanne Valadon").locator(".s-bad")).to_be_visible()
    assert page.evaluate("window.tones") == rung
