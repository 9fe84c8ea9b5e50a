"""Imports of customers: a file is prepared, tried or started, stopped, continued. The work itself is `customers.imports.running`."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.actions.sources import OURS
from customers.imports.mapping import Meaning
from customers.imports.running import open_file, place_of
from customers.models import ImportRun, ImportTemplate
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

State = ImportRun.State


def prepare_import(
    *, source: str, path: str, name: str, meaning: Meaning, actor: "User | None" = None, uploaded: bool = False
) -> ImportRun:
    """Note a file that is to be imported; nothing is read of its rows. Raises Invalid for a source that cannot be."""
    source = source.strip()
    if not source or len(source) > 40 or not source.isprintable():
        raise Invalid(_("Name the source in 1 to 40 letters, like crm."), field="source")
    if source in OURS:
        raise Invalid(_("This name is taken by a source of the product itself."), field="source")
    return ImportRun.objects.create(
        source=source,
        path=path,
        name=name[:200],
        digest=digest_of(place_of(path)),
        meaning=meaning.kept(),
        uploaded=uploaded,
        actor=actor,
    )


def digest_of(path: Path) -> str:
    """Return what tells a file from others. Raises Invalid if it cannot be opened."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Invalid(_("The file cannot be opened: %(why)s.") % {"why": error.strerror}, code="no_file") from None


@transaction.atomic
def start_import(
    *, run: ImportRun, meaning: Meaning, trial: bool = False, rejects: str = "", actor: "User | None" = None
) -> ImportRun:
    """Let a run begin at the first row: who works on imports takes it. A trial writes nothing but the rejects.

    Raises Invalid if the file or the meaning of its columns will not do, Conflict while it is at work.
    """
    kept = _locked(run, {State.PREPARED, State.DONE, State.STOPPED, State.FAILED})
    kept.meaning = meaning.kept()
    table, _meaning = open_file(kept)
    with table:
        meaning.check(table.columns)
    kept.trial, kept.state, kept.error = trial, State.WAITING, ""
    kept.position, kept.share, kept.counts, kept.rejects_size = 0, 0.0, {}, 0
    kept.rejects = rejects or f"imports/{kept.pk}-rejects.csv"
    kept.started_at = kept.moved_at = kept.ended_at = None
    kept.save()
    audit.record(actor, "customer.import", f"import:{kept.pk}", source=kept.source, trial=trial)
    return kept


@transaction.atomic
def continue_import(*, run: ImportRun, actor: "User | None" = None) -> ImportRun:
    """Let a run that was stopped, has failed or whose process is dead go on behind the last row it has kept."""
    kept = _locked(run, {State.WAITING, State.RUNNING, State.STOPPED, State.FAILED})
    kept.state, kept.error, kept.ended_at = State.WAITING, "", None
    kept.save(update_fields=["state", "error", "ended_at"])
    audit.record(actor, "customer.import", f"import:{kept.pk}", source=kept.source, position=kept.position)
    return kept


@transaction.atomic
def stop_import(*, run: ImportRun, actor: "User | None" = None) -> ImportRun:
    """Stop a run behind the batch it is at. What it has kept stays; it can be continued."""
    kept = _locked(run, {State.WAITING, State.RUNNING})
    kept.state, kept.ended_at = State.STOPPED, timezone.now()
    kept.save(update_fields=["state", "ended_at"])
    audit.record(actor, "customer.import.stop", f"import:{kept.pk}", position=kept.position)
    return kept


def _locked(run: ImportRun, states: set[State]) -> ImportRun:
    kept = ImportRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if kept.state not in states:
        raise Conflict(_("This import is %(state)s.") % {"state": kept.get_state_display()}, code="state")
    return kept


def save_template(*, name: str, meaning: Meaning) -> ImportTemplate:
    """Keep the meaning of columns under a name; one of that name is replaced. Raises Invalid without a name."""
    if not name.strip():
        raise Invalid(_("Give the template a name."), field="name")
    kept = {"meaning": meaning.kept(), "changed_at": timezone.now()}
    return ImportTemplate.objects.update_or_create(name=name.strip()[:80], defaults=kept)[0]
