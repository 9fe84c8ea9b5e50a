"""Versions of the rules: an old one found, compared with what is in force, put back. Every act is audited."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from customers.models import Segment
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Conflict, NotFound
from interactions.models import Channel, Topic
from routing import locks
from routing.actions.rules import keepers, own_queues, save_rules
from routing.models import Queue, RuleVersion, Skill
from routing.rules import document as rules
from routing.rules.document import ALL, HOURS, KINDS, OF_QUEUES, PRIORITIES, QUEUES, REQUIREMENTS, Document, Settings


@transaction.atomic
def put_back(*, version: RuleVersion, why: str, actor: User) -> RuleVersion:
    """Put what an old version says of the actor's queues, hours, pause reasons, what work asks for and its order in force.

    It becomes a new version.
    What came after it stays, what is gone stays gone. Raises as save_rules does.
    """
    locks.lock_rules()
    edit = back_to(version, actor)
    if not any(edit.values()):
        raise Conflict(_("Your rules are those of that version already."), code="same")
    return save_rules(edit=edit, why=why, actor=actor, act="rules.back")


def back_to(version: RuleVersion, actor: User) -> Document:
    """Return what would bring an old version back: all that differs, is still there and is the actor's to set."""
    present, there = rules.current(), _There.read()
    edit: Document = {sort: {} for sort in rules.SORTS}
    for sort, ident in _own(present, actor):
        old, settings = version.state.get(sort, {}).get(ident), present[sort][ident]
        if old is not None:
            # A setting that came later keeps its value.
            kept = {name: value for name, value in old.items() if name in settings}
            wanted = {**settings, **there.of(sort, kept)}
            if wanted != settings:
                edit[sort][ident] = wanted
    return edit


def _own(present: Document, actor: User) -> Iterator[tuple[str, str]]:
    """Yield the things that the actor may set, by sort and number."""
    own = own_queues(actor)
    shared = own | ({ALL} if actor.may(Right.EVERY_TEAM) else set())
    for sort, things in present.items():
        if sort == HOURS:
            yield from ((sort, ident) for ident in things if keepers(ident, present) <= own)
        elif sort in (QUEUES, *OF_QUEUES):
            yield from ((sort, ident) for ident in things if ident in shared)
        else:
            yield from ((sort, ident) for ident in things)


@dataclass(frozen=True)
class _There:
    """What old rules name and there still is."""

    people: set[int]
    things: Mapping[str, set[int]]

    @classmethod
    def read(cls) -> "_There":
        """Read it. Five queries."""
        models: Mapping[str, Any] = {"skill": Skill, "topic": Topic, "segment": Segment, "channel": Channel}
        return cls(
            people=set(User.objects.filter(is_active=True).values_list("pk", flat=True)),
            things={name: set(model._default_manager.values_list("pk", flat=True)) for name, model in models.items()},
        )

    def of(self, sort: str, old: Settings) -> Settings:
        """Return old settings without what is gone."""
        if sort == QUEUES and "members" in old:
            return {**old, "members": [user for user in old["members"] if user in self.people]}
        if sort == REQUIREMENTS:
            names = ("skill", "topic", "segment")
            return {"asked": [row for row in old["asked"] if all(self._is(name, row[name]) for name in names)]}
        if sort == PRIORITIES:
            kinds = {kind: [row for row in old[kind] if self._is(kind[:-1], row[0])] for kind in KINDS}
            return {**old, **kinds}
        return old

    def _is(self, name: str, pk: int | None) -> bool:
        return pk is None or pk in self.things[name]


def made_later(version: RuleVersion, actor: User) -> list[str]:
    """Return the names of the actor's queues that a version does not know: putting it back leaves them as they are."""
    known = [int(ident) for ident in version.state.get(QUEUES, {})]
    return list(
        Queue.objects.controlled_by(actor).exclude(pk__in=known).order_by("name").values_list("name", flat=True)
    )


def version_of(number: int) -> RuleVersion:
    """Return a version. Raises NotFound."""
    version = RuleVersion.objects.select_related("made_by").filter(number=number).first()
    if version is None:
        raise NotFound(_("There is no such version of the rules."))
    return version
