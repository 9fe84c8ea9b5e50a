"""The order of channels, topics and segments: what stands ahead of the rest is served sooner."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from customers.models import Segment
from cxcenter.accounts.roles import Right
from cxcenter.board import scope
from cxcenter.board.forms import SaveOrder
from cxcenter.board.views.acts import OfQueue, Said
from cxcenter.board.views.pages import board_page
from cxcenter.board.views.trying import RulesAct, trial_of
from cxcenter.core.requests import needs, staff_of
from interactions.models import Channel, Topic
from routing.actions import priorities as acts
from routing.actions.queueing import head_start
from routing.models import Queue
from routing.rules import document as rules
from routing.rules.document import ALL, KINDS, PRIORITIES, Document, Settings


@require_GET
@needs(Right.CONTROL)
def page(request: HttpRequest) -> HttpResponse:
    """Show the order of a queue, or that for all queues; who may change it moves it by mouse or keys."""
    user, language = staff_of(request), translation.get_language() or "en"
    queues = list(scope.queues_of(user))
    everywhere = user.may(Right.EVERY_TEAM)
    asked = request.GET.get("queue", "all" if everywhere else "")
    chosen = next((one for one in queues if str(one.pk) == asked), None)
    if chosen is None and asked != "all":
        chosen = next(iter(queues), None)
    ident, present, trial = str(chosen.pk) if chosen else ALL, rules.current(), trial_of(request)
    orders = present[PRIORITIES]
    own = chosen is not None and orders[ident]["own"]
    tried = trial["edit"].get(PRIORITIES, {}).get(ident) if trial else None
    # It goes by the order for all queues until it has one of its own.
    shown = tried if tried and tried["own"] else orders[ident] if own else orders[ALL]
    address = reverse("board:own-order", args=[chosen.pk]) if chosen else reverse("board:general-order")
    return board_page(
        request,
        "priorities",
        "board/priorities.html",
        queues=[{"pk": one.pk, "label": one.label(language)} for one in queues],
        queue=chosen,
        queue_label=chosen.label(language) if chosen else "",
        own=own,
        may_save=chosen is not None or everywhere,
        save_url=address,
        seen=rules.digest(rules.part(present, {PRIORITIES: {ident: {}}})),
        why=trial["why"] if trial and tried else "",
        is_trial=tried is not None,
        step_s=_step_s(chosen),
        lists=_lists(shown, language),
    )


def _step_s(queue: Queue | None) -> float | None:
    """Return the head start of a step in seconds; None where it differs by queue, or waiting weighs nothing."""
    if queue is None or queue.wait_weight <= 0:
        return None
    return head_start(queue, 1).total_seconds()


def _lists(order: Settings, language: str) -> list[dict[str, Any]]:
    """Return the three lists: what stands ahead of the rest, the first first, and the rest by name."""
    topics = {topic.pk: topic for topic in Topic.objects.filter(active=True)}
    channels = [(one.pk, str(one), one.kind, False) for one in Channel.objects.filter(active=True)]
    named = [(one.pk, _path(one, topics, language), "", one.urgent) for one in topics.values()]
    segments = [(one.pk, one.label(language), "", False) for one in Segment.objects.filter(active=True)]
    return [
        _list("channels", _("Channels"), channels, dict(order["channels"])),
        _list("topics", _("Topics"), named, dict(order["topics"])),
        _list("segments", _("Segments of customers"), segments, dict(order["segments"])),
    ]


def _list(code: str, title: str, things: list[tuple[int, str, str, bool]], steps: dict[int, int]) -> dict[str, Any]:
    lines = [
        {"pk": pk, "label": label, "kind": kind, "urgent": urgent, "steps": steps.get(pk, 0)}
        for pk, label, kind, urgent in sorted(things, key=lambda thing: thing[1].casefold())
    ]
    return {
        "code": code,
        "title": title,
        "urgent": [line for line in lines if line["urgent"]],
        "ahead": sorted(
            (line for line in lines if line["steps"] and not line["urgent"]), key=lambda line: -line["steps"]
        ),
        "rest": [line for line in lines if not line["steps"] and not line["urgent"]],
    }


def _path(topic: Topic, topics: dict[int, Topic], language: str) -> str:
    """Return a topic with those above it."""
    label, above = topic.label(language), topics.get(topic.parent_id or 0)
    return f"{_path(above, topics, language)} › {label}" if above else label


class _Save(RulesAct):
    """Set an order."""

    title = gettext_lazy("Order of priorities")
    button = gettext_lazy("Save")
    form_class = SaveOrder
    queue: Queue | None = None

    def _edit(self, asked: dict[str, Any], present: Document) -> Document:
        return acts.edit_of(self.queue, **{kind: asked[kind] for kind in KINDS})

    def _save(self, asked: dict[str, Any]) -> Said:
        seen = self.request.POST.get("version", "")
        moved = acts.save_order(queue=self.queue, actor=self.user, seen=seen, **asked)
        said = _("Saved. It holds for contacts that come from now on.")
        if asked["also_waiting"]:
            words = ngettext("%(count)s waiting contact has moved.", "%(count)s waiting contacts have moved.", moved)
            said = f"{_('Saved.')} {words % {'count': moved}}"
        return {"said": said, "then": f"{reverse('board:priorities')}?queue={self.queue.pk if self.queue else 'all'}"}


class SaveGeneral(_Save):
    """Set the order for all queues."""


class SaveOwn(OfQueue, _Save):
    """Set the order of one queue."""

    queue: Queue


class DropOwn(OfQueue, RulesAct):
    """Let a queue go by the order for all queues again."""

    title = gettext_lazy("%(name)s goes by the order for all queues")
    button = gettext_lazy("Drop its own order")
    hint = gettext_lazy("Contacts that wait keep their places.")
    danger = True

    def _edit(self, asked: dict[str, Any], present: Document) -> Document:
        return acts.edit_of(self.queue)

    def _save(self, asked: dict[str, Any]) -> Said:
        acts.drop_order(queue=self.queue, why=asked["why"], actor=self.user)
        return {"said": _("Saved."), "then": f"{reverse('board:priorities')}?queue={self.queue.pk}"}
