"""Notes on a customer's timeline: written, changed and taken back by their author."""

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from customers import actions as customers
from customers.models import Note
from cxcenter.accounts.roles import Right
from cxcenter.core.errors import NotFound
from cxcenter.core.once import once
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.views.common import customer_for, pick

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


@require_POST
@needs(Right.EDIT_CUSTOMERS)
@once
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a note; answers what takes it back."""
    user = staff_of(request)
    note = customers.add_note(customer=customer_for(user, pk), text=request.POST.get("text", ""), actor=user)
    return JsonResponse({"undo": [reverse("desk:withdraw-note", args=[note.pk])]})


@require_GET
@needs(Right.EDIT_CUSTOMERS)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form in which one's own note is changed."""
    return render(request, "desk/_note_form.html", {"note": _note_for(staff_of(request), pk)})


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one's own note."""
    user = staff_of(request)
    note = _note_for(user, pk)
    customers.edit_note(note_id=note.pk, text=request.POST.get("text", ""), actor=user)
    return HttpResponse(status=204)


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own note back; answers what puts it back."""
    user = staff_of(request)
    note = _note_for(user, pk)
    customers.withdraw_note(note_id=note.pk, actor=user)
    return JsonResponse({"undo": [reverse("desk:put-note-back", args=[note.pk])]})


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def put_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Put one's own note back."""
    user = staff_of(request)
    customers.put_note_back(note_id=_note_for(user, pk).pk, actor=user)
    return HttpResponse(status=204)


def _note_for(user: "User", pk: int) -> Note:
    note: Note | None = pick(Note.objects.visible_to(user), str(pk))
    if note is None:
        raise NotFound(_("There is no such note."))
    return note
