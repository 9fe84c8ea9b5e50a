"""Skills: who has which level, and what work asks for."""

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from cxcenter.accounts.roles import Right
from cxcenter.board import scope
from cxcenter.board.forms import AskForSkill, NewSkill
from cxcenter.board.rules import words
from cxcenter.board.views.acts import Act, Said
from cxcenter.board.views.pages import board_page
from cxcenter.board.views.trying import RulesAct, trial_of
from cxcenter.core.errors import Invalid, NotFound
from cxcenter.core.reading import number
from cxcenter.core.requests import needs, staff_of
from routing.actions import skills as acts
from routing.models import OperatorSkill, Presence, Requirement, Skill
from routing.rules import document as rules
from routing.rules.document import REQUIREMENTS, Document, Settings

# So many operators are one page of the matrix.
OPERATORS = 50


@require_GET
@needs(Right.CONTROL)
def matrix(request: HttpRequest) -> HttpResponse:
    """Show the levels of the supervisor's operators, a page of them, and what work of his queues asks for."""
    user = staff_of(request)
    language = translation.get_language() or "en"
    people = scope.operators_of(user).filter(user__is_active=True).select_related("user__team")
    team, sought = number(request.GET.get("team")), request.GET.get("q", "").strip()[:60]
    if team is not None:
        people = people.filter(user__team=team)
    for word in sought.split():
        people = people.filter(Q(user__first_name__icontains=word) | Q(user__last_name__icontains=word))
    pages = Paginator(people.order_by("user__team__name", "user__first_name", "user__last_name", "pk"), OPERATORS)
    page = pages.get_page(request.GET.get("page"))
    known = list(Skill.objects.all())
    have = _levels([one.user_id for one in page])
    able = _able(people)
    kept = request.GET.copy()
    kept.pop("page", None)
    return board_page(
        request,
        "skills",
        "board/skills.html",
        known=[{"skill": skill, "label": skill.label(language), "able": able.get(skill.pk, 0)} for skill in known],
        people=[
            {"user": one.user, "levels": [have.get((one.user_id, skill.pk), 0) for skill in known]} for one in page
        ],
        page=page,
        sought=sought,
        kept=kept.urlencode(),
        everywhere=user.may(Right.EVERY_TEAM),
        rules=[_rule(rule, language) for rule in scope.requirements_of(user)],
        tried=_tried(request, language),
    )


def _tried(request: HttpRequest, language: str) -> dict[str, str] | None:
    """Return what a trial wished that is thought out further: in words, and the dialog that goes on with it."""
    trial = trial_of(request)
    edit = trial["edit"].get(REQUIREMENTS, {}) if trial else {}
    if not edit:
        return None
    wished, present = _lines(edit), _lines(rules.part(rules.current(), {REQUIREMENTS: edit})[REQUIREMENTS])
    fresh = next((line for line in wished if line not in present), None)
    if fresh is None:
        # Something is asked for no longer: there is no more to say of it.
        return None
    replaced = next((line for line in present if line not in wished), None)
    return {"words": words.asked(fresh[1], words.Names.read(language)), "url": _dialog(*fresh, replaced)}


def _lines(edit: dict[str, Settings]) -> list[tuple[str, Settings]]:
    return [(ident, row) for ident, one in edit.items() for row in one["asked"]]


def _dialog(ident: str, row: Settings, replaced: tuple[str, Settings] | None) -> str:
    """Return the address of the dialog in which a requirement is filled in, in the place of another one or as a new one."""
    said = {name: row[name] or "" for name in rules.ASKED}
    for place, (after, level) in enumerate(row["steps"], start=1):
        said |= {f"after_{place}": after, f"level_{place}": level}
    address = reverse("board:ask")
    if replaced is not None:
        conditions = rules.row_columns({name: replaced[1][name] for name in rules.CONDITIONS})
        standing = Requirement.objects.get(queue=_queue(replaced[0]), **conditions)
        address = reverse("board:ask-otherwise", args=[standing.pk])
    return f"{address}?{urlencode({**said, 'queue': _queue(ident) or ''})}"


def _queue(ident: str) -> int | None:
    return None if ident == rules.ALL else int(ident)


def _able(people: QuerySet[Presence]) -> dict[int, int]:
    """Return how many of these operators have each skill, those of other pages too."""
    held = OperatorSkill.objects.filter(user__in=people.order_by().values("user"), ended_at=None)
    return dict(held.values_list("skill").annotate(count=Count("pk")))


def _levels(user_ids: list[int]) -> dict[tuple[int, int], int]:
    held = OperatorSkill.objects.filter(user__in=user_ids, ended_at=None)
    return {(user, skill): level for user, skill, level in held.values_list("user_id", "skill_id", "level")}


def _rule(rule: Requirement, language: str) -> dict[str, Any]:
    steps = [(0, rule.level), *((step.after_s, step.level) for step in rule.steps.all())]
    return {
        "rule": rule,
        "skill": rule.skill.label(language),
        "of": [
            rule.queue.label(language) if rule.queue else _("All queues"),
            *([rule.topic.label(language)] if rule.topic else []),
            *([_("customer speaks %(language)s") % {"language": rule.language}] if rule.language else []),
            *([_("customer is %(segment)s") % {"segment": rule.segment.label(language)}] if rule.segment else []),
        ],
        "steps": [{"after_s": after, "level": level} for after, level in steps],
    }


@require_POST
@needs(Right.CONTROL)
def set_level(request: HttpRequest, skill: int, pk: int) -> JsonResponse:
    """Give an operator a level of a skill."""
    operator = scope.operator(staff_of(request), pk).user
    level = number(request.POST.get("level"))
    if level is None:
        raise Invalid(_("Choose a level from 1 to 5, or none."), field="level")
    acts.set_level(user=operator, skill=_skill(skill), level=level, actor=staff_of(request))
    return JsonResponse({"level": level})


def _skill(pk: int) -> Skill:
    skill = Skill.objects.filter(pk=pk).first()
    if skill is None:
        raise NotFound(_("There is no such skill."))
    return skill


class AddSkill(Act):
    """Make a skill."""

    title = gettext_lazy("New skill")
    button = gettext_lazy("Add")
    hint = gettext_lazy("A language, a product, a kind of case: what work may ask of an operator.")
    form_class = NewSkill

    def _do(self, asked: dict[str, Any]) -> Said:
        skill = acts.add_skill(name=asked["name"], name_ru=asked["name_ru"], actor=self.user)
        return {
            "said": _("Skill added: %(name)s") % {"name": skill.label(self.user.language)},
            "then": reverse("board:skills"),
        }


class Ask(RulesAct):
    """Ask work for a skill."""

    title = gettext_lazy("What work asks for")
    button = gettext_lazy("Save")
    hint = gettext_lazy(
        "It holds for contacts that come from now on. Where several lines ask for one skill, the highest level counts."
    )
    template = "board/_ask.html"
    form_class = AskForSkill
    rule: Any = None

    def _choices(self) -> dict[str, Any]:
        queues, everywhere = scope.queues_of(self.user), self.user.may(Right.EVERY_TEAM)
        return {"queues": queues, "everywhere": everywhere, "rule": self.rule}

    def _wanted(self, asked: dict[str, Any]) -> acts.Asked:
        names = ("skill", "level", "topic", "language", "segment", "steps")
        return acts.Asked(**{name: asked[name] for name in names})

    def _edit(self, asked: dict[str, Any], present: Document) -> Document:
        return acts.edit_of(present, asked=self._wanted(asked), queue=asked["queue"], requirement=self.rule)

    def _save(self, asked: dict[str, Any]) -> Said:
        made = acts.save_requirement(
            asked=self._wanted(asked), queue=asked["queue"], requirement=self.rule, why=asked["why"], actor=self.user
        )
        return {"said": _("Saved as version %(number)s") % {"number": made.number}, "then": reverse("board:skills")}


class OfRule(RulesAct):
    """An act on what work of own queues asks for."""

    rule: Requirement

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find the rule. Raises NotFound for another team's."""
        super().setup(request, *args, **kwargs)
        self.rule = scope.requirement(self.user, self.pk)


class AskOtherwise(OfRule, Ask):
    """Change what work asks for."""

    def _initial(self) -> dict[str, Any]:
        rule = self.rule
        said = {"skill": rule.skill_id, "level": rule.level, "queue": rule.queue_id, "topic": rule.topic_id}
        steps: dict[str, int] = {}
        for place, step in enumerate(rule.steps.all(), start=1):
            steps |= {f"after_{place}": step.after_s, f"level_{place}": step.level}
        kept = {**said, "language": rule.language, "segment": rule.segment_id, **steps}
        # What a trial wished stands for all of it.
        return self.request.GET.dict() or kept


class AskNoLonger(OfRule):
    """Drop what work asks for."""

    title = gettext_lazy("Ask for %(name)s no longer")
    button = gettext_lazy("Ask no longer")
    hint = gettext_lazy("Contacts that wait keep what was asked for when they came.")
    danger = True

    @property
    def name(self) -> str:
        """The skill."""
        return self.rule.skill.label(self.user.language)

    def _edit(self, asked: dict[str, Any], present: Document) -> Document:
        return acts.edit_of(present, requirement=self.rule)

    def _save(self, asked: dict[str, Any]) -> Said:
        acts.drop_requirement(requirement=self.rule, why=asked["why"], actor=self.user)
        return {"said": _("Asked for no longer"), "then": reverse("board:skills")}
