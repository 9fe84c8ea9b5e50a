"""People of companies, from the card of either."""

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from customers import actions as customers
from customers.choices import PartyKind
from customers.models import Membership
from cxcenter.accounts.roles import Right
from cxcenter.core.errors import NotFound
from cxcenter.core.once import once
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.views.common import customer_for, pick, whole

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


@require_GET
@needs(Right.EDIT_CUSTOMERS)
def form(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form that adds a person to this company, or this person to a company."""
    customer = customer_for(staff_of(request), pk)
    is_company = customer.kind == PartyKind.COMPANY
    return render(request, "desk/_member_form.html", {"customer": customer, "is_company": is_company})


@require_POST
@needs(Right.EDIT_CUSTOMERS)
@once
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Add the chosen person, or a new one, to this company; or this person to the chosen company."""
    user, sent = staff_of(request), request.POST
    customer, role = customer_for(user, pk), sent.get("role", "")
    if customer.kind == PartyKind.PERSON:
        company = customer_for(user, whole(sent.get("company"), "company"))
        made = customers.add_member(company=company, person=customer, role=role, actor=user)
    elif sent.get("person"):
        person = customer_for(user, whole(sent.get("person"), "person"))
        made = customers.add_member(company=customer, person=person, role=role, actor=user)
    else:
        said = {"name": sent.get("name", ""), "contact": sent.get("contact", "")}
        made = customers.add_new_member(company=customer, role=role, actor=user, **said)
    return JsonResponse({"undo": [reverse("desk:end-membership", args=[made.pk])]})


@require_GET
@needs(Right.EDIT_CUSTOMERS)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a person's place in a company: to change his role, or to say that he has left."""
    return render(request, "desk/_member.html", {"member": _member_for(staff_of(request), pk)})


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def change_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a person another role in his company."""
    user = staff_of(request)
    member = _member_for(user, pk)
    customers.change_role(membership_id=member.pk, role=request.POST.get("role", ""), actor=user)
    return JsonResponse({"undo": [reverse("desk:change-role", args=[member.pk])]})


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a person has left his company; answers what takes that back."""
    user = staff_of(request)
    member = _member_for(user, pk)
    customers.end_membership(membership_id=member.pk, actor=user)
    return JsonResponse({"undo": [reverse("desk:resume-membership", args=[member.pk])]})


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back that a person has left his company."""
    user = staff_of(request)
    customers.resume_membership(membership_id=_member_for(user, pk).pk, actor=user)
    return HttpResponse(status=204)


def _member_for(user: "User", pk: int) -> Membership:
    rows = Membership.objects.visible_to(user).select_related("company__customer", "person__customer")
    member: Membership | None = pick(rows, str(pk))
    if member is None:
        raise NotFound(_("There is no such place in a company."))
    return member
