"""The customer: search, card, edit in place, linking by hand."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from customers import actions as customers
from customers.choices import PartyKind
from customers.fields import is_golden
from customers.models import Customer, Erasure, Merge
from customers.queries import apart_from
from customers.segmentation import segments_of
from cxcenter.accounts.roles import Right
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid, NotFound
from cxcenter.core.reading import number
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk import card, consents, golden, members, merges, same
from cxcenter.desk.contexts import sessions_context, timeline_context
from cxcenter.desk.search import cases_by, customers_by, messages_by, read_query
from cxcenter.desk.views.common import (
    chosen_profile,
    customer_for,
    customer_to_read,
    note_looking,
    pick,
    session_for,
    standing_customer,
    whole,
)
from cxcenter.frame import frame
from interactions.actions import cases as case_actions
from interactions.models import Case, Interaction

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

PAGE = 50


# Fields of forms in which a customer is looked for and chosen.
CHOSEN = {"customer", "person", "company"}


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def search(request: HttpRequest) -> HttpResponse:
    """Find customers, cases and messages for the search box, eight of each at the most."""
    user, query = staff_of(request), read_query(request.GET.get("q", ""))
    merge_into, linking = number(request.GET.get("merge")), _linking(request)
    choose = choose if (choose := request.GET.get("choose")) in CHOSEN else ""
    kind = kind if (kind := request.GET.get("kind")) in PartyKind.values else ""
    besides = number(request.GET.get("besides")) or merge_into
    # Whom to link, to merge with or to choose is a customer; the box itself finds whatever there is.
    is_open = bool(query) and not any((merge_into, choose, *linking.values()))
    context = {
        "found": customers_by(user, query, without=besides, kind=kind) if query else [],
        "cases": cases_by(user, query) if is_open else [],
        "messages": messages_by(user, query) if is_open else None,
        "query": query,
        **linking,
        "merge_into": merge_into,
        "choose": choose,
    }
    return render(request, "desk/_found.html", context)


def _linking(request: HttpRequest) -> dict[str, str]:
    """Return what is being linked to a customer, a session or a case: how the search is asked, where the choice goes."""
    for name, door in (("link", "desk:link"), ("link_case", "desk:link-case")):
        ident = number(request.GET.get(name))
        if ident is not None:
            return {"link_query": f"{name}={ident}", "link_url": reverse(door, args=[ident])}
    return {}


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def index(request: HttpRequest) -> HttpResponse:
    """Show customers: the found ones, or those who were in touch last."""
    user, query = staff_of(request), read_query(request.GET.get("q", ""))
    if query:
        listed = customers_by(user, query, PAGE)
    else:
        recent = Interaction.objects.filter(profile__isnull=False).order_by("-last_message_at")
        ids = list(recent.values_list("profile__customer_id", flat=True)[:120])
        order = {pk: place for place, pk in reversed(list(enumerate(ids)))}
        known = Customer.objects.visible_to(user).live().filter(pk__in=ids)
        listed = sorted(known, key=lambda c: order[c.pk])[:PAGE]
    pairs = same.waiting(user) if user.may(Right.EDIT_CUSTOMERS) else 0
    around = {**frame(user, "customers"), **sessions_context(user, None)}
    said = messages_by(user, query, PAGE) if query else None
    context = {**around, "listed": listed, "messages": said, "query": query, "pairs": pairs}
    return render(request, "desk/customers.html", context)


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the whole card. Who looked is kept in the audit log; a number of before a merge leads on.

    Of one who was erased it shows when and by whom, and nothing else.
    """
    user = staff_of(request)
    customer = standing_customer(user, pk)
    if customer.pk != pk:
        return redirect("desk:customer", customer.pk)
    if customer.erased_at is not None:
        around = {**frame(user, "customers"), **sessions_context(user, None)}
        erasure = Erasure.objects.select_related("actor").get(customer=customer)
        return render(request, "desk/erased.html", {**around, "customer": customer, "erasure": erasure}, status=410)
    audit.record(user, "customer.view", f"customer:{pk}")
    fields = golden.fields_of(customer)
    people, more_people = members.members_of(customer, user)
    made, more_made = merges.merges_of(customer, user)
    context = {
        **frame(user, "customers"),
        **sessions_context(user, None),
        "customer": customer,
        "fields": [one for one in fields if golden.is_shown(one)],
        "more": [one for one in fields if not golden.is_shown(one)],
        "merges": made,
        "merges_more": more_made,
        "apart": apart_from(customer),
        "banner": same.banner_of(customer, user) if user.may(Right.EDIT_CUSTOMERS) else None,
        "profiles": customer.profiles.count(),
        "call_sites": card.call_sites(user),
        "segments": [segment.label(user.language) for segment in segments_of(customer)],
        "identities": card.identities_of(customer, user),
        "members": people,
        "consents": consents.standing_of(customer, user),
        "members_more": more_people,
        "numbers": card.numbers_of(customer),
        **timeline_context(customer, user, whole=True),
        "cases": Case.objects.visible_to(user).filter(profile__customer=customer).order_by("-opened_at")[:10],
        "said": card.said_of(_last_said(customer), user),
    }
    return render(request, "desk/customer.html", context)


def _last_said(customer: Customer) -> Interaction | None:
    """Return the newest session in which the customer typed who he is."""
    return Interaction.objects.filter(profile__customer=customer).exclude(says={}).order_by("-opened_at").first()


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Save one or more golden fields. A colleague's change meanwhile is answered 409 "stale"."""
    user = staff_of(request)
    customer = customer_for(user, pk)
    fields = {name: value for name, value in request.POST.items() if is_golden(name)}
    if not fields:
        raise Invalid(_("Nothing was changed."))
    saved = customers.edit_customer(
        customer=customer, fields=fields, version=number(request.POST.get("version")), actor=user
    )
    return JsonResponse({"version": saved.version, "name": saved.name or saved.number, "shown": _shown(saved, fields)})


def _shown(customer: Customer, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return what stands in fields now: an emptied edit gives the word back to the sources."""
    return {
        one.name: {"value": one.value, "shown": one.shown} for one in golden.fields_of(customer) if one.name in names
    }


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def why(request: HttpRequest, pk: int, field: str) -> HttpResponse:
    """Show why a field has its value: the rule, and what every source says."""
    if not is_golden(field):
        raise NotFound(_("There is no such field: %(field)s.") % {"field": field})
    user = staff_of(request)
    customer = customer_to_read(user, pk)
    context = {"customer": customer, "field": field, "why": golden.why(customer, field), "rights": user.rights}
    return render(request, "desk/_why.html", context)


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def pin(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the value of one record stand for a field; without a record the rule decides again."""
    user = staff_of(request)
    customers.pin_value(
        customer=customer_for(user, pk),
        field=request.POST.get("field", ""),
        record_id=number(request.POST.get("record")),
        version=number(request.POST.get("version")),
        actor=user,
    )
    return HttpResponse(status=204)


@require_GET
@needs(Right.EDIT_CUSTOMERS)
def compare(request: HttpRequest, pk: int, other: int) -> HttpResponse:
    """Show two customers side by side, to merge them or to keep them apart; or who has decided that already, and when."""
    user = staff_of(request)
    one, two = customer_for(user, pk), customer_for(user, other)
    if one == two:
        raise Conflict(_("They are one customer now. Undo the merge first."), code="one")
    note_looking(user, one)
    note_looking(user, two)
    context = {
        "one": one,
        "other": two,
        "kept": next(iter(apart_from(one, other=two)), None),
        "pairs": golden.side_by_side(one, two),
        "identities": [card.identities_of(row, user) for row in (one, two)],
        "numbers": [card.numbers_of(row) for row in (one, two)],
        **same.beside(one, two),
    }
    return render(request, "desk/_compare.html", context)


@require_GET
@needs(Right.EDIT_CUSTOMERS)
def likely(request: HttpRequest) -> HttpResponse:
    """Show pairs that may be the same person, the likeliest first."""
    user = staff_of(request)
    pairs, more = same.queue(user, request.GET.get("before", ""))
    context = {**frame(user, "customers"), **sessions_context(user, None), "pairs": pairs, "more": more}
    return render(request, "desk/same.html", context)


@require_POST
@needs(Right.EDIT_CUSTOMERS)
@transaction.atomic
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Merge another customer into this one; answers the merges for an undo."""
    user = staff_of(request)
    head, other = customer_for(user, pk), _other(user, request)
    made = customers.merge_customers(survivor=head.pk, others=[other.pk], actor=user)
    for unit, record in _picks(request).items():
        customers.pin_value(customer=head, field=unit, record_id=record, version=None, actor=user)
    return JsonResponse({"undo": [reverse("desk:unmerge", args=[one.pk]) for one in made]})


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def unmerge(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a merge back."""
    user = staff_of(request)
    made = pick(Merge.objects.visible_to(user), str(pk))
    if made is None:
        raise NotFound(_("There is no such merge."))
    customers.unmerge(merge_id=made.pk, actor=user)
    return HttpResponse(status=204)


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def keep_apart(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide that two customers are not the same person; answers the decision for an undo."""
    user = staff_of(request)
    kept = customers.keep_apart(one=customer_for(user, pk).pk, other=_other(user, request).pk, actor=user)
    return JsonResponse({"undo": [reverse("desk:join-again", args=[kept.pk])]})


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def join_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Take "not the same person" back."""
    customers.take_apart_back(apart_id=pk, actor=staff_of(request))
    return HttpResponse(status=204)


def _picks(request: HttpRequest) -> dict[str, int]:
    """Return which record's value was chosen for fields in which the two differ."""
    chosen = {
        name.removeprefix("pick."): number(str(value))
        for name, value in request.POST.items()
        if name.startswith("pick.")
    }
    return {name: record for name, record in chosen.items() if record is not None}


def _other(user: "User", request: HttpRequest) -> Customer:
    return customer_for(user, whole(request.POST.get("other"), "other"))


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a session on a customer's card, or off it; answers the former profile for an undo."""
    user = staff_of(request)
    talk = session_for(user, pk)
    before = case_actions.link_customer(interaction_id=talk.pk, profile=chosen_profile(user, request.POST), actor=user)
    return JsonResponse({"before": before})
