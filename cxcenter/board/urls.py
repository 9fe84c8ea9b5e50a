"""Addresses of the board."""

from django.urls import URLPattern, path

from cxcenter.accounts.roles import Right
from cxcenter.board.views import acts, pages, people, skills
from cxcenter.core.requests import needs

app_name = "board"


def _act(address: str, act: type[acts.Act], name: str) -> URLPattern:
    return path(address, needs(Right.CONTROL)(act.as_view()), name=name)


urlpatterns = [
    path("", pages.live, name="now"),
    path("numbers/", pages.numbers, name="numbers"),
    path("queues/", pages.live, {"section": "queues"}, name="queues"),
    path("operators/", pages.live, {"section": "operators"}, name="operators"),
    path("alerts/", pages.live, {"section": "alerts"}, name="alerts"),
    path("contacts/", pages.contact_list, name="contacts"),
    path("session/<int:pk>/", pages.session, name="session"),
    path("session/<int:pk>/head/", pages.session_head, name="session-head"),
    path("session/<int:pk>/why/", pages.session_why, name="session-why"),
    _act("queues/<int:pk>/close/", acts.CloseQueue, "close-queue"),
    _act("queues/<int:pk>/pause/", acts.PauseQueue, "pause-queue"),
    _act("queues/<int:pk>/open/", acts.OpenQueue, "open-queue"),
    _act("queues/<int:pk>/lend/", acts.Lend, "lend"),
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
    _act("alerts/<int:pk>/seen/", acts.SeeAlert, "see-alert"),
    path("skills/", skills.matrix, name="skills"),
    path("skills/<int:skill>/<int:pk>/", skills.set_level, name="set-level"),
    _act("skills/add/", skills.AddSkill, "add-skill"),
    _act("skills/ask/", skills.Ask, "ask"),
    _act("skills/ask/<int:pk>/", skills.AskOtherwise, "ask-otherwise"),
    _act("skills/ask/<int:pk>/no-longer/", skills.AskNoLonger, "ask-no-longer"),
]
