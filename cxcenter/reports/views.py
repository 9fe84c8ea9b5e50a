"""Pages: a report, its file, and the contacts behind a number of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cxcenter.accounts.roles import Right
from cxcenter.core import audit
from cxcenter.core.errors import Invalid
from cxcenter.core.reading import moment
from cxcenter.core.requests import needs, staff_of
from cxcenter.frame import frame
from cxcenter.reports import cases, contacts, times, words
from cxcenter.reports.asking import Wanted, only_of, read, team_of, zone_of
from cxcenter.reports.chart import chart_of
from cxcenter.reports.form import form_of
from cxcenter.reports.numbers import said
from cxcenter.reports.sheet import csv_of
from cxcenter.reports.table import table_of
from quality import policies
from quality.metrics.behind import cases_of, stretches
from quality.metrics.behind import contacts as contacts_behind
from quality.metrics.dimensions import DIMENSIONS
from quality.metrics.metric import Unit
from quality.metrics.reading import one_moment
from quality.metrics.registry import METRICS
from quality.metrics.reports import Asked, named, reach_of, report

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


# What stands behind a number, if it is no contacts.
LISTS = {"presence": "reports/times.html", "cases": "reports/cases.html"}


@require_GET
@needs(Right.REPORTS)
def show(request: HttpRequest) -> HttpResponse:
    """Show a report with its form; to a change of the form, the report alone. What cannot be asked is told in its place."""
    user, wanted, context = staff_of(request), None, {}
    try:
        wanted = read(request.GET)
        context = _answer(user, wanted)
    except Invalid as error:
        context = {"wrong": str(error.message), "field": error.detail.get("field", "")}
    status = 400 if "wrong" in context else 200
    if request.headers.get("HX-Request"):
        answer = render(request, "reports/_report.html", context, status=status)
        if wanted is not None:
            answer["HX-Push-Url"] = f"{request.path}?{wanted.query()}"
    else:
        context |= {**frame(user, "reports"), "form": form_of(user, request.GET, wanted)}
        answer = render(request, "reports/report.html", context, status=status)
    # One address has two answers: a browser that goes back must not take the one for the other.
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _answer(user: "User", wanted: Wanted) -> dict[str, Any]:
    """Return the report, all of it of one moment: table, chart, totals and names."""
    asked = wanted.asked(user)
    with one_moment():
        as_of = timezone.now()
        told = report(asked)
        names = named(told, user.language)
        counted_by = words.policies_of(wanted, told, user.language)
    table = table_of(wanted, told, names)
    return {
        "wanted": wanted,
        "query": wanted.query(),
        "table": table,
        "chart": chart_of(wanted, told, table, names),
        "as_of": as_of,
        "counted_by": counted_by,
        "filters": words.filters_of(user, wanted, asked),
        "metrics": [METRICS[code] for code in told.metrics],
        "overlapping": any(DIMENSIONS[code].several for code in told.by),
    }


@require_GET
@needs(Right.REPORTS)
def export(request: HttpRequest) -> HttpResponse:
    """Send a report as a file. Who took it is kept in the audit log."""
    user, wanted = staff_of(request), read(request.GET)
    asked = wanted.asked(user)
    with one_moment():
        told = report(asked)
        names = named(told, user.language)
    content = csv_of(wanted, told, names)
    narrowed = {name: value for name, value in wanted.narrowing().items() if value}
    detail = {"by": wanted.by, "interval": str(wanted.interval), "metrics": wanted.metrics, **narrowed}
    audit.record(user, "report.export", f"report:{wanted.first}_{wanted.last}", **detail)
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="report-{wanted.first}-{wanted.last}.csv"'},
    )


@require_GET
@needs(Right.REPORTS)
def behind(request: HttpRequest) -> HttpResponse:
    """Show the contacts, times or cases behind a number, and the number as it is now: both of one moment."""
    user, query = staff_of(request), request.GET
    code = query.get("metric", "")
    if code not in METRICS:
        raise Invalid(_("There is no such metric."), field="metric")
    metric, asked = METRICS[code], _asked(user, query)
    whole = query.get("of") == "all"
    with one_moment():
        value = report(replace(asked, metrics=(code,))).whole[code]
        page, more = _page(user, asked, code, below=whole, since=query.get("after", ""))
    kept = query.copy()
    for name in ("after", "of"):
        kept.pop(name, None)
    context = {
        "metric": metric,
        "value": said(value, metric.unit),
        "changed": metric.unit == Unit.COUNT and query.get("told", str(value)) != str(value) and query.get("told"),
        "whole": whole,
        "is_part": metric.base != metric.counted,
        "filters": words.narrowed(user, asked, team_of(query)),
        "kept": kept.urlencode(),
        "page": page,
        "more": more,
        "zone": asked.zone,
        "report": _report_before(request),
    }
    return render(
        request, LISTS.get(metric.source_code, "reports/contacts.html"), {**frame(user, "reports"), **context}
    )


def _page(user: "User", asked: Asked, code: str, *, below: bool, since: str) -> tuple[Sequence[Any], str]:
    """Return a page of what stands behind a number, and the key of the next one."""
    said = {"language": user.language, "since": since}
    if METRICS[code].of_times:
        return times.page_of(user, stretches(asked, code, below=below), **said)
    if METRICS[code].of_cases:
        return cases.page_of(user, cases_of(asked), **said)
    return contacts.page_of(user, contacts_behind(asked, code, below=below), **said)


def _asked(user: "User", query: QueryDict) -> Asked:
    """Return the question whose answer is the number. Raises Invalid."""
    reach, policy = reach_of(user, team_of(query)), query.get("policy", "").strip()
    return Asked(
        since=_time(query, "since"),
        until=_time(query, "until"),
        zone=zone_of(query),
        only=only_of(query),
        policy=policies.read(policy) if policy else None,
        queues=reach.queues,
        operators=reach.operators,
    )


def _time(query: QueryDict, name: str) -> datetime:
    at = moment(query.get(name))
    if at is None:
        raise Invalid(_("Write a moment like 2026-04-14T09:30:00Z."), field=name)
    return at


def _report_before(request: HttpRequest) -> str:
    """Return the query of the report that led here, "" if another page did."""
    before = request.headers.get("Referer", "")
    start = request.build_absolute_uri("/reports/?")
    return before.removeprefix(start) if before.startswith(start) else ""
