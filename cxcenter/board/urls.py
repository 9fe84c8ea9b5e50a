"""Addresses of the board."""

from django.urls import URLPattern, path

from cxcenter.accounts.roles import Right
from cxcenter.board.views import (
    acts,
    alerts,
    calls,
    pages,
    people,
    priorities,
    rules,
    simulator,
    skills,
    versions,
)
from cxcenter.core.requests import needs

app_name = "board"


def _page(address: str, page: type[rules.Page], name: str) -> URLPattern:
    return path(address, needs(Right.CONTROL)(page.as_view()), name=name)


def _act(address: str, act: type[acts.Act], name: str) -> URLPattern:
    return path(address, needs(Right.CONTROL)(act.as_view()), name=name)


urlpatterns = [
    path("", pages.live, name="now"),
    path("numbers/", pages.numbers, name="numbers"),
    path("queues/", pages.live, {"section": "queues"}, name="queues"),
    path("operators/", pages.live, {"section": "operators"}, name="operators"),
    path("alerts/", pages.live, {"section": "alerts"}, name="alerts"),
    path("contacts/", pages.contact_list, name="contacts"),
    path("callbacks/", calls.callback_list, name="callbacks"),
    _act("callbacks/<int:pk>/cancel/", calls.CancelCallback, "cancel-callback"),
    _act("callbacks/<int:pk>/move/", calls.MoveCallback, "move-callback"),
    path("session/<int:pk>/", pages.session, name="session"),
    path("session/<int:pk>/head/", pages.session_head, name="session-head"),
    path("session/<int:pk>/why/", pages.session_why, name="session-why"),
    _act("queues/<int:pk>/close/", acts.CloseQueue, "close-queue"),
    _act("queues/<int:pk>/pause/", acts.PauseQueue, "pause-queue"),
    _act("queues/<int:pk>/open/", acts.OpenQueue, "open-queue"),
    _act("queues/<int:pk>/lend/", acts.Lend, "lend"),
    _act("queues/<int:pk>/thresholds/", alerts.SetThresholds, "thresholds"),
    _act("operators/<int:pk>/state/", acts.ForceState, "force-state"),
    _act("operators/<int:pk>/move-all/", acts.MoveAll, "move-all"),
    _act("operators/<int:pk>/lend/", acts.LendTo, "lend-operator"),
    _act("operators/<int:pk>/kinds/", people.SwitchKinds, "kinds"),
    _act("reserved/", people.Plan, "plan"),
    _act("reserved/<int:pk>/cancel/", people.CancelPlan, "cancel-plan"),
    _act("session/<int:pk>/whisper/", acts.WriteNote, "whisper"),
    _act("session/<int:pk>/take/", acts.TakeOver, "take-over"),
    _act("session/<int:pk>/move/", acts.MoveSession, "move"),
    _act("session/<int:pk>/priority/", acts.ChangePriority, "priority"),
    _act("alerts/<int:pk>/seen/", alerts.SeeAlert, "see-alert"),
    path("priorities/", priorities.page, name="priorities"),
    path(
        "priorities/general/",
        needs(Right.EVERY_TEAM)(priorities.SaveGeneral.as_view()),
        name="general-order",
    ),
    _act("priorities/<int:pk>/", priorities.SaveOwn, "own-order"),
    _act("priorities/<int:pk>/drop/", priorities.DropOwn, "drop-order"),
    path("skills/", skills.matrix, name="skills"),
    path("skills/<int:skill>/<int:pk>/", skills.set_level, name="set-level"),
    _act("skills/add/", skills.AddSkill, "add-skill"),
    _act("skills/ask/", skills.Ask, "ask"),
    _act("skills/ask/<int:pk>/", skills.AskOtherwise, "ask-otherwise"),
    _act("skills/ask/<int:pk>/no-longer/", skills.AskNoLonger, "ask-no-longer"),
    path("rules/", rules.overview, name="rules"),
    _page("rules/queues/new/", rules.NewQueue, "rules-queue-new"),
    _page("rules/queues/<int:pk>/", rules.OfQueue, "rules-queue"),
    _page("rules/hours/new/", rules.OfHours, "rules-hours-new"),
    _page("rules/hours/<int:pk>/", rules.OfHours, "rules-hours"),
    _page("rules/pauses/", rules.OfPauses, "rules-pauses"),
    path("rules/versions/", versions.history, name="rules-versions"),
    path("rules/versions/<int:pk>/", versions.version, name="rules-version"),
    _act("rules/versions/<int:pk>/back/", versions.PutBack, "rules-back"),
    path("simulator/", simulator.simulator, name="simulator"),
    path("simulator/examples/<str:name>/", simulator.example, name="simulator-example"),
    path("simulator/<int:pk>/", simulator.simulation, name="simulation"),
    path("simulator/<int:pk>/part/", simulator.simulation_part, name="simulation-part"),
    path("simulator/<int:pk>/json/", simulator.simulation_json, name="simulation-json"),
    path("simulator/<int:pk>/stop/", simulator.stop, name="simulation-stop"),
    _act("simulator/<int:pk>/save/", versions.SaveTried, "simulation-save"),
]
