"""The page "Import customers": a file, what its columns mean, a trial, the import itself with its progress and rejects."""

import uuid
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from customers.actions import imports as acts
from customers.actions.sources import OURS
from customers.imports import mapping, preview
from customers.imports.mapping import Meaning
from customers.imports.planning import OUTCOMES
from customers.imports.running import open_file, place_of
from customers.imports.tables import ENCODINGS, Table, open_table
from customers.models import ImportRun, ImportTemplate
from cxcenter.core.adminkit import JournalAdmin, SettingsAdmin, badge
from cxcenter.core.errors import CxError, Invalid

# Megabytes of an upload. The command line takes larger files.
LIMIT = 200
State = ImportRun.State
COLOURS: dict[str, str] = {
    State.DONE: "ok",
    State.RUNNING: "info",
    State.WAITING: "info",
    State.STOPPED: "warn",
    State.FAILED: "bad",
}
GOING = {State.WAITING, State.RUNNING}
WORDS = {
    "created": _("new"),
    "changed": _("changed"),
    "unchanged": _("as they were"),
    "late": _("older than what is known"),
    "rejected": _("rejected"),
    "joined": _("joined to somebody known"),
}
DELIMITERS = {"": _("found out"), ",": ",", ";": ";", "\t": _("tab"), "|": "|"}


class FileForm(forms.ModelForm):
    """A file, the source that it is of, and a template if there is one."""

    file = forms.FileField(label=capfirst(_("file")), widget=UnfoldAdminFileFieldWidget)
    template = forms.ModelChoiceField(
        ImportTemplate.objects.all(), label=capfirst(_("template")), required=False, widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = ImportRun
        fields = ("source",)

    def clean_source(self) -> str:
        """Refuse the names that the product has for itself."""
        source: str = self.cleaned_data["source"].strip()
        if source in OURS:
            raise ValidationError(gettext("This name is taken by a source of the product itself."))
        return source

    def clean_file(self) -> "UploadedFile[Any]":
        """Refuse what is too large."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > LIMIT * 1024 * 1024:
            raise ValidationError(
                gettext("The file is too large: %(limit)s MB at most. The command line takes larger ones.")
                % {"limit": LIMIT}
            )
        return file

    def clean(self) -> dict[str, Any]:
        """Store the file under a name of our own, and refuse one that is no table: then nothing is kept of it."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return data
        file = data["file"]
        data["path"] = f"imports/{uuid.uuid4()}"
        place = place_of(data["path"])
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with place.open("wb") as kept:
                for chunk in file.chunks():
                    kept.write(chunk)
            with open_table(place, name=file.name) as table:
                data["meaning"] = self._meaning(table)
        except Invalid as error:
            place.unlink(missing_ok=True)
            raise ValidationError({"file": str(error.message)}) from None
        except OSError as error:
            place.unlink(missing_ok=True)
            raise ValidationError(
                {"file": gettext("The file cannot be kept: %(why)s.") % {"why": error.strerror}}
            ) from None
        return data

    def _meaning(self, table: Table) -> Meaning:
        template = self.cleaned_data["template"]
        if template is None:
            return Meaning(columns=mapping.guess(table.columns))
        return mapping.fit(Meaning.read(template.meaning), table.columns)


class MeaningForm(forms.Form):
    """What the columns of a file mean, and whether its source is to be believed."""

    vouched = forms.BooleanField(
        label=_("The source has proved phones, addresses and cards"),
        help_text=_("Records that share one are joined at once; each joining can be undone."),
        required=False,
        widget=UnfoldBooleanWidget,
    )
    verified = forms.BooleanField(
        label=_("The source has proved names and other fields"),
        help_text=_("They win over what others only say, as far as the rules of survivorship ask for it."),
        required=False,
        widget=UnfoldBooleanWidget,
    )
    encoding = forms.ChoiceField(
        label=_("Encoding"), required=False, choices=[("", _("found out")), *((one, one) for one in ENCODINGS)],
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    delimiter = forms.ChoiceField(
        label=_("Delimiter"), required=False, choices=list(DELIMITERS.items()), widget=UnfoldAdminSelectWidget
    )
    template = forms.CharField(
        label=_("Keep the choice as a template"), required=False, max_length=80, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, columns: list[str], meaning: Meaning, data: Any = None) -> None:
        """Ask for a target of each column."""
        super().__init__(data, initial=meaning.kept())
        self._columns = columns
        choices = [("", "—"), *mapping.targets().items()]
        for place, column in enumerate(columns):
            self.fields[f"column-{place}"] = forms.ChoiceField(
                label=column, choices=choices, required=False, widget=UnfoldAdminSelectWidget,
                initial=meaning.columns.get(column, ""),
            )  # fmt: skip

    def meaning(self) -> Meaning:
        """Return what was chosen."""
        data = self.cleaned_data
        columns = {column: data[f"column-{place}"] for place, column in enumerate(self._columns)}
        options = {name: data[name] for name in ("vouched", "verified", "encoding", "delimiter")}
        return Meaning(columns=columns, **options)


@admin.register(ImportTemplate)
class ImportTemplateAdmin(SettingsAdmin):
    """Saved meanings of columns: made on the page of an import, renamed and deleted here."""

    list_display = ("name", "changed_at")
    fields = ("name", "meaning")
    readonly_fields = ("meaning",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a template is kept where a file is at hand."""
        return False


@admin.register(ImportRun)
class ImportRunAdmin(JournalAdmin):
    """Imports: begun here, with each a page of its columns and a page of its progress."""

    form = FileForm
    list_display = ("created_at", "source", "name", "standing", "rows", "actor")
    list_filter = ("state",)
    list_select_related = ("actor",)
    fieldsets = (
        (
            None,
            {
                "fields": ("file", ("source", "template")),
                "description": _(
                    "CSV, Excel (.xlsx) or JSON lines with one customer in each row. The source is the system that the"
                    " records are of, like crm: a record that comes again from it is changed, not made twice."
                ),
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An import is begun here."""
        return self._may(request)

    @display(description=_("state"), ordering="state")
    def standing(self, run: ImportRun) -> SafeString:
        """Show the state as a label."""
        return badge(COLOURS, run.state, run.get_state_display())

    @display(description=_("rows"))
    def rows(self, run: ImportRun) -> str:
        """Say what became of the rows."""
        found = [f"{WORDS[name]}: {run.counts[name]:,}" for name in OUTCOMES if run.counts.get(name)]
        return ", ".join([*([gettext("trial")] if run.trial else []), *found]) or "—"

    def get_urls(self) -> list[Any]:
        """Add the pages of one run."""
        pages = (("columns", self.columns_view), ("act", self.act_view), ("rejects", self.rejects_view))
        own = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"customers_importrun_{name}")
            for name, view in pages
        ]
        return [*own, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:
        """Offer one way on: to the columns."""
        one_way = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, {**context, **one_way}, **options)

    def save_model(self, request: HttpRequest, obj: ImportRun, form: Any, change: bool) -> None:
        """Note the file by the act."""
        chosen = form.cleaned_data
        made = acts.prepare_import(
            source=chosen["source"], path=chosen["path"], name=chosen["file"].name, meaning=chosen["meaning"],
            actor=request.user, uploaded=True,  # type: ignore[arg-type]
        )  # fmt: skip
        obj.pk = made.pk

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Lead to the columns."""
        return HttpResponseRedirect(reverse("admin:customers_importrun_columns", args=[obj.pk]))

    def columns_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what the columns mean and how the first rows would be read; try or start the import."""
        run = self._run(request, pk)
        if run.state in GOING or not run.uploaded:
            return self._lead(run)
        meaning, error = Meaning.read(run.meaning), ""
        form = None
        try:
            with open_file(run)[0] as table:
                form = MeaningForm(list(table.columns), meaning, request.POST or None)
            if request.method == "POST" and form.is_valid():
                meaning = form.meaning()
                if self._do(request, run, meaning, form.cleaned_data["template"]):
                    return self._lead(run)
        except CxError as refused:
            error = str(refused.message)
        return self._show_columns(request, run, meaning, form, error)

    def _do(self, request: HttpRequest, run: ImportRun, meaning: Meaning, template: str) -> bool:
        """Do what was asked; return whether the run has begun."""
        ImportRun.objects.filter(pk=run.pk).update(meaning=meaning.kept())
        run.meaning = meaning.kept()
        wish = request.POST.get("do")
        if wish == "template":
            kept = acts.save_template(name=template, meaning=meaning)
            messages.success(request, gettext("The template “%(name)s” is kept.") % {"name": kept.name})
        if wish in {"trial", "import"}:
            acts.start_import(run=run, meaning=meaning, trial=wish == "trial", actor=request.user)  # type: ignore[arg-type]
            return True
        return False

    def _show_columns(
        self, request: HttpRequest, run: ImportRun, meaning: Meaning, form: MeaningForm | None, error: str
    ) -> HttpResponse:
        columns: list[tuple[Any, list[str]]] = []
        seen: list[preview.Seen] = []
        table: Table | None = None
        try:
            with open_file(run)[0] as table:
                rows = preview.first_rows(table)
                values = preview.samples(table.columns, rows)
                form = form or MeaningForm(list(table.columns), meaning)
                columns = [(form[f"column-{place}"], values[name]) for place, name in enumerate(table.columns)]
                meaning.check(table.columns)
                seen = preview.as_read(rows, table.columns, meaning, run.source)
        except Invalid as refused:
            error = error or str(refused.message)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Import customers"),
            "subtitle": run.name,
            "opts": self.opts,
            "run": run,
            "form": form,
            "columns": columns,
            "seen": seen,
            "error": error,
            "table": table,
        }
        return TemplateResponse(request, "admin/customers/importrun/columns.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show how far a run is, or its columns before it has begun; `?part` gives the progress alone."""
        run = self._run(request, int(object_id) if object_id.isdecimal() else 0)
        if run.state == State.PREPARED and run.uploaded:
            return HttpResponseRedirect(reverse("admin:customers_importrun_columns", args=[run.pk]))
        total = sum(number for name, number in run.counts.items() if name != "joined")
        context = {
            "run": run,
            "total": total,
            "counts": [(WORDS[name], run.counts.get(name, 0), name) for name in OUTCOMES],
            "standing": self.standing(run),
            "percent": int(run.share * 100),
            "going": run.state in GOING,
            "broken": run.state in {State.STOPPED, State.FAILED} and run.uploaded,
            "has_rejects": bool(run.rejects_size),
            "opts": self.opts,
        }
        if "part" in request.GET:
            return TemplateResponse(request, "admin/customers/importrun/progress.html", context)
        context |= {**self.admin_site.each_context(request), "title": gettext("Import customers"), "subtitle": run.name}
        return TemplateResponse(request, "admin/customers/importrun/run.html", context)

    def act_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stop a run or let it go on."""
        run = self._run(request, pk)
        act = {"stop": acts.stop_import, "continue": acts.continue_import}.get(request.POST.get("do", ""))
        if act is None or not run.uploaded:
            raise Http404
        try:
            act(run=run, actor=request.user)  # type: ignore[arg-type]
        except CxError as error:
            messages.error(request, str(error.message))
        return self._lead(run)

    def rejects_view(self, request: HttpRequest, pk: int) -> FileResponse:
        """Give the file of rejected rows."""
        run = self._run(request, pk)
        place = place_of(run.rejects) if run.rejects_size else None
        if place is None or not place.is_file():
            raise Http404
        name = f"{Path(run.name).stem}-rejects.csv"
        return FileResponse(place.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")

    def _run(self, request: HttpRequest, pk: int) -> ImportRun:
        if not self._may(request):
            raise PermissionDenied
        return get_object_or_404(ImportRun.objects.select_related("actor"), pk=pk)

    def _lead(self, run: ImportRun) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:customers_importrun_change", args=[run.pk]))
