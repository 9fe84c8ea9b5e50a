"""Cases and tasks that the talks of the demo leave behind."""

import random
from datetime import datetime, timedelta

from cxcenter.accounts.models import Team, User
from cxcenter.management.demo.dialogue import CUSTOMER, Dialogue
from cxcenter.management.demo.record import Book
from interactions.choices import CaseStatus, Priority, TaskKind
from interactions.events import CaseChanged, CaseOpened, TaskCreated, TaskDone
from interactions.models import Case, CaseLink, Interaction, Task

TO_DO = {
    "en": ("Ask the dealer for the date and write to the customer", "Call the customer after the repair"),
    "ru": ("Уточнить срок у дилера и написать клиенту", "Позвонить клиенту после ремонта"),
}
# (whose, title, hours from now): what lies on the desk in the morning.
DESK = (
    ("operator1", "Send the photos of the act to the painter", -3),
    ("operator1", "Call Norda Sever about the loan car", 2),
    ("operator1", "Check that the parts of the week arrived", 26),
    ("operator2", "Сверить список подменных машин", -1),
    ("operator2", "Позвонить дилеру Norda Yug по коробке передач", 4),
    ("", "Go through the unread reviews of the week", 5),
    ("", "Обновить статью о доставке", 30),
)


def register(book: Book, dialogue: Dialogue, session: Interaction, chance: random.Random, now: datetime) -> None:
    """Write the case a talk leaves with who answered last, solved or not by its age; sometimes a task for it."""
    if dialogue.case is None:
        return
    (kind, subject), owner, opened = dialogue.case, book.legs[-1].operator, session.last_message_at
    is_complaint = kind == "complaint"
    case = Case(
        profile=session.profile,
        kind=kind,
        topic=session.topic,
        subject=subject,
        text="\n".join(words for who, words in dialogue.lines if who == CUSTOMER)[:600],
        priority=Priority.HIGH if is_complaint else Priority.NORMAL,
        owner=owner,
        opened_by=owner,
        opened_at=opened,
        due_at=opened + timedelta(days=3 if is_complaint else 5),
    )
    book.cases.append(case)
    book.links.append(CaseLink(case=case, interaction=session, linked_by=owner, at=opened))
    book.fact(opened, case.profile, lambda: CaseOpened(case=case.pk, kind=case.kind), owner)
    _move_on(book, case, chance, now)
    if chance.random() < 0.3:
        _follow_up(book, case, session, chance)


def _move_on(book: Book, case: Case, chance: random.Random, now: datetime) -> None:
    """Most cases are solved within days; a few of the last two weeks are late."""
    age = now - case.opened_at
    solved_share = 1.0 if age > timedelta(days=14) else 0.7
    at = case.opened_at + timedelta(days=chance.choice((1, 1, 2, 2, 3, 5)), minutes=chance.randint(10, 400))
    if at < now and chance.random() < solved_share:
        case.status = CaseStatus.CLOSED if age > timedelta(days=30) else CaseStatus.SOLVED
        case.resolved_at = at
    elif chance.random() < 0.4 and (at := case.opened_at + timedelta(hours=3)) < now:
        case.status, case.waiting_since = CaseStatus.WAITING, at
    else:
        return
    status, owner = case.status, case.opened_by
    case.version = 1
    book.fact(at, case.profile, lambda: CaseChanged(case=case.pk, status=status, fields=["status"]), owner)
    book.audits.append((at, owner, "case.change", lambda: f"case:{case.pk}", {"fields": ["status"]}))


def _follow_up(book: Book, case: Case, session: Interaction, chance: random.Random) -> None:
    owner = case.opened_by
    assert owner is not None
    task = Task(
        kind=TaskKind.WRITE,
        title=chance.choice(TO_DO[owner.language]),
        profile=case.profile,
        case=case,
        interaction=session,
        assignee=owner,
        created_by=owner,
        created_at=case.opened_at,
        due_at=case.due_at,
    )
    book.tasks.append(task)
    _note_created(book, task, owner)
    if case.resolved_at:
        finish(book, task, owner, case.resolved_at)


def finish(book: Book, task: Task, user: User, at: datetime) -> None:
    """Note that a task was done."""
    task.done_at, task.done_by = at, user
    book.fact(at, task.profile, lambda: TaskDone(task=task.pk, kind=task.kind), user)


def lay_out(book: Book, staff: dict[str, User], team: Team, now: datetime) -> None:
    """Write the tasks that wait for people today: own ones, and those of the whole team."""
    boss = staff["supervisor"]
    for number, (whose, title, hours) in enumerate(DESK):
        owner = staff.get(whose)
        created, due = now - timedelta(days=1, minutes=7 * number), now + timedelta(hours=hours)
        task = Task(
            title=title,
            assignee=owner,
            team=None if owner else team,
            created_by=boss,
            created_at=created,
            due_at=due.replace(minute=0, second=0, microsecond=0),
        )
        book.tasks.append(task)
        _note_created(book, task, boss)


def _note_created(book: Book, task: Task, actor: User) -> None:
    book.fact(task.created_at, task.profile, lambda: TaskCreated(task=task.pk, kind=task.kind), actor)
