"""The rules with a real browser: wrong ones at their fields, a trial in the background, a version that is put back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.test_path import fits
from tests.servers import Stack

PLANT = """
from cxcenter.accounts.models import Team, User
from routing.models import Queue
from tests import world
team = Team.objects.create(name='Rules desk')
boss = world.make_user('rolf', role='supervisor', team=team)
people = [world.make_user(f'ruler{n}', team=team) for n in (1, 2)]
world.make_queue('Loans', team=team, members=(people[0],))
"""

# A queue of its own: what the others ask for is theirs.
ASKED = """
from cxcenter.accounts.models import Team, User
from routing.models import OperatorSkill, Requirement, Skill
from tests import world
ruler = User.objects.get(username='ruler1')
world.on_duty(ruler, mode='offline')
queue = world.make_queue('Danish loans', team=ruler.team, members=(ruler,))
danish = Skill.objects.create(name='Danish')
Requirement.objects.create(skill=danish, level=3, queue=queue)
OperatorSkill.objects.create(user=ruler, skill=danish, level=4)
"""


@pytest.fixture(scope="module")
def team(installation: Stack) -> None:
    installation.run(PLANT)
    installation.start_worker("bulk")


@pytest.fixture
def rules(installation: Stack, team: None, windows: Windows) -> Page:
    page = windows.sign_in(installation.url, "rolf")
    page.get_by_role("link", name="Rules", exact=True).click()
    return page


def test_rules_are_refused_at_their_fields_saved_and_put_back(rules: Page) -> None:
    rules.get_by_role("link", name="Loans").click()
    expect(rules.get_by_text("Each step of priority is a head start of 60 s.")).to_be_visible()
    rules.get_by_role("button", name="First come, first served").click()
    expect(rules.get_by_text("priority does not count")).to_be_visible()
    rules.get_by_label("Ruler1").uncheck()
    fits(rules)
    rules.get_by_role("button", name="Save", exact=False).last.click()
    alert = rules.get_by_role("alert")
    expect(alert).to_contain_text("Nobody serves Loans: choose a member")
    expect(rules.locator("#members[aria-invalid]")).to_have_count(1)
    rules.get_by_role("checkbox", name="Rules desk").check()
    expect(rules.locator("#members [data-count]")).to_have_text("3")
    rules.get_by_label("Why").fill("Fair for all")
    rules.keyboard.press("Control+Enter")
    expect(rules.get_by_role("heading", name="Last versions")).to_be_visible()
    # The one before his: as the rules stood, whatever else was changed here earlier.
    before = rules.locator(".cx-rlist a.num").nth(1)
    number = before.inner_text()
    before.click()
    rules.get_by_role("button", name="Put back").click()
    rules.get_by_role("dialog").get_by_role("button", name="Put back").click()
    expect(rules.get_by_text(f"Back to version {number}")).to_be_visible()
    expect(rules.get_by_role("row", name=re.compile("^Loans"))).to_contain_text("head start of 60 s")


def test_a_scenario_is_played_while_one_looks(rules: Page) -> None:
    rules.get_by_role("link", name="Simulator").click()
    rules.get_by_label("Scenario (JSON)").fill('{"queues": {"a": {"choise": 1}}}')
    rules.keyboard.press("Control+Enter")
    expect(rules.get_by_role("alert")).to_contain_text("did you mean “choice”?")
    rules.get_by_role("button", name="mortgage").click()
    expect(rules.get_by_label("Scenario (JSON)")).to_have_value(re.compile("Mortgage and cards"))
    rules.get_by_label("Days").fill("2")
    rules.get_by_role("button", name="Play").click()
    expect(rules.get_by_role("progressbar")).to_be_visible()
    expect(rules.get_by_role("heading", name="What is better or worse for sure")).to_be_visible(timeout=60_000)
    expect(rules.locator("#sim-chart :is(canvas, svg)")).to_be_visible(timeout=20_000)
    rules.get_by_role("button", name="Mean wait, s").click()
    expect(rules.get_by_role("button", name="Mean wait, s")).to_have_attribute("aria-pressed", "true")
    fits(rules)


def test_a_level_is_chosen_in_the_matrix_and_the_last_holder_keeps_his(rules: Page, installation: Stack) -> None:
    installation.manage("shell", "-c", ASKED)
    rules.goto(f"{installation.url}/board/skills/")
    heads = rules.locator("#matrix thead th[data-skill] span").all_inner_texts()
    cell = rules.get_by_role("row", name=re.compile("^Ruler1")).locator("td").nth(heads.index("Danish"))
    expect(cell).to_have_text("4")
    cell.get_by_role("button").focus()
    choice = cell.get_by_role("combobox", name=re.compile("Ruler1.*: Danish"))
    choice.select_option("2")
    expect(rules.locator("#toasts").get_by_text("Ruler1 is the last in Danish loans")).to_be_visible()
    rules.reload()
    expect(cell).to_have_text("4")
    cell.get_by_role("button").focus()
    with rules.expect_response(re.compile("/board/skills/")):
        choice.select_option("3")
    rules.reload()
    expect(cell).to_have_text("3")
    fits(rules)
