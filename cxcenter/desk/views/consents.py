"""Consents: recorded by hand with the words of the customer, and their history."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from customers import actions as customers
from customers.choices import Purpose
from customers.queries import consents_of
from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Invalid
from cxcenter.core.once import once
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk import card, consents
from cxcenter.desk.views.common import customer_for, customer_to_read, whole
from interactions.choices import ChannelKind


@require_GET
@needs(Right.EDIT_CUSTOMERS)
def form(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form in which a consent or its withdrawal is recorded."""
    user, asked = staff_of(request), request.GET
    customer = customer_to_read(user, pk)
    context = {
        "customer": customer,
        "identities": card.identities_of(customer, user) + consents.lost_identities(customer, user),
        "purposes": Purpose.choices,
        "channels": ChannelKind.choices,
        "purpose": asked.get("purpose", ""),
        "channel": asked.get("channel", ""),
        "granted": asked.get("granted", "1") == "1",
    }
    return render(request, "desk/_consent_form.html", context)


@require_POST
@needs(Right.EDIT_CUSTOMERS)
@once
def record(request: HttpRequest, pk: int) -> HttpResponse:
    """Record a consent or its withdrawal; says what stands now."""
    user, sent = staff_of(request), request.POST
    customer = customer_for(user, pk)
    if sent.get("granted") not in {"0", "1"}:
        raise Invalid(_("Say whether he permits it or takes it back."), field="granted")
    granted, purpose, channel = sent["granted"] == "1", sent.get("purpose", ""), sent.get("channel", "")
    customers.record_consent_by_hand(
        customer=customer,
        identity_id=whole(sent.get("identity"), "identity"),
        purpose=purpose,
        channel=channel,
        granted=granted,
        words=sent.get("proof", ""),
        actor=user,
    )
    # Nothing stands of an identity that he has no more and permits again.
    stands = [
        one["granted"] for one in consents_of(customer.pk) if (one["purpose"], one["channel"]) == (purpose, channel)
    ]
    if granted and False in stands:
        return JsonResponse({"said": _("Recorded. It stays withdrawn: another of his identities has withdrawn it.")})
    return JsonResponse({"said": _("The consent is recorded.") if granted else _("The withdrawal is recorded.")})


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """Show all that was ever said of one purpose in one channel."""
    user, purpose, channel = staff_of(request), request.GET.get("purpose", ""), request.GET.get("channel", "")
    customer = customer_to_read(user, pk)
    words = consents.history_of(customer, user, purpose=purpose, channel=channel)
    context = {"words": words, "title": consents.title_of(purpose, channel)}
    return render(request, "desk/_consent_history.html", context)
