"""Personal data of a customer: the file of everything, and the erasure."""

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from customers import actions as customers
from customers.choices import ErasureReason, ExportReason
from cxcenter.accounts.roles import Right
from cxcenter.core.archive import zip_of
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.views.common import customer_for


@require_GET
@needs(Right.PERSONAL)
def export_form(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what the file has in it, and ask why it is taken."""
    context = {"customer": customer_for(staff_of(request), pk), "reasons": ExportReason.choices}
    return render(request, "desk/_export.html", context)


@require_GET
@needs(Right.PERSONAL)
def export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send everything about a customer as a ZIP. Who took it and why is kept in the audit log."""
    user = staff_of(request)
    customer = customer_for(user, pk)
    pieces = customers.export_customer(customer=customer, reason=request.GET.get("reason", ""), actor=user)
    return zip_of(customer.number, pieces)


@require_GET
@needs(Right.PERSONAL)
def erase_form(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what goes and what stays, or what is in the way; ask for a reason and the number."""
    customer = customer_for(staff_of(request), pk)
    context = {
        "customer": customer,
        "reasons": ErasureReason.choices,
        "obstacles": customers.obstacles_of(customer),
        "profiles": customer.profiles.count(),
    }
    return render(request, "desk/_erase.html", context)


@require_POST
@needs(Right.PERSONAL)
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Erase a customer for good; his page says so from now on."""
    user = staff_of(request)
    customer = customer_for(user, pk)
    customers.erase_customer(
        customer=customer, number=request.POST.get("number", ""), reason=request.POST.get("reason", ""), actor=user
    )
    return JsonResponse({"then": reverse("desk:customer", args=[customer.pk])})
