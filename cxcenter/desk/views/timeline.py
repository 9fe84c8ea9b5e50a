"""The timeline of a customer: pages, filters, the file."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import tzinfo

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.http import require_GET

from cxcenter.accounts.roles import Right
from cxcenter.core import audit
from cxcenter.core.reading import day
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk import export as files
from cxcenter.desk import timeline
from cxcenter.desk.timeline import Wanted
from cxcenter.desk.views.common import customer_for, customer_to_read

FORMS = {"csv": (files.csv_of, "text/csv"), "json": (files.json_of, "application/json")}


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a page of the timeline: with its chips, or ("lines") what stands below them."""
    user, wanted, before = staff_of(request), _wanted(request), request.GET.get("before", "")
    customer = customer_to_read(user, pk)
    jump = day(request.GET.get("day"))
    until = min(filter(None, (jump, wanted.until)), default=None)
    whole = "whole" in request.GET
    limit = timeline.PAGE if whole else timeline.SHORT_PAGE
    lines, more = timeline.page_of(customer, user, replace(wanted, until=until), before=before, limit=limit)
    context = {
        "customer": customer,
        "timeline": lines,
        "timeline_more": more,
        "timeline_whole": whole,
        "wanted": wanted,
        "before": before,
        "jump": jump,
        "asked": _without_page(request),
    }
    if "lines" in request.GET:
        return render(request, "desk/_timeline_lines.html", context)
    chips = timeline.chips(customer if whole else None, wanted.group)
    return render(request, "desk/_timeline.html", {**context, "timeline_chips": chips})


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def export(request: HttpRequest, pk: int, form: str) -> StreamingHttpResponse:
    """Send all that the filters leave as a file. Who took it is kept in the audit log."""
    user, wanted = staff_of(request), _wanted(request)
    customer = customer_for(user, pk)
    audit.record(user, "customer.export", f"customer:{customer.pk}", form=form, group=wanted.group)
    write, content_type = FORMS[form]
    chunks = write(timeline.all_of(customer, user, wanted))
    name = f"{customer.number}-{timezone.localdate()}.{form}"
    return StreamingHttpResponse(
        _worded(chunks, translation.get_language() or "en", timezone.get_current_timezone()),
        content_type=f"{content_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _wanted(request: HttpRequest) -> Wanted:
    group = request.GET.get("group", "")
    return Wanted(
        group=group if group in timeline.GROUPS else "",
        text=request.GET.get("text", "").strip()[:100],
        since=day(request.GET.get("since")),
        until=day(request.GET.get("until")),
    )


def _without_page(request: HttpRequest) -> str:
    """Return the query of the first page: the next ones are asked for with the same filters."""
    asked = request.GET.copy()
    for name in ("before", "lines"):
        asked.pop(name, None)
    return asked.urlencode()


def _worded(chunks: Iterator[str], language: str, zone: tzinfo) -> Iterator[str]:
    """Write each chunk in the reader's language and zone: it is written when those of his request are gone."""
    while True:
        with translation.override(language), timezone.override(zone):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk
