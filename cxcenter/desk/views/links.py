"""What belongs to a customer, by hand: his phones, addresses, logins and cards."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from customers import actions as customers
from customers.choices import IdentityKind
from customers.junk import MADE, linking
from customers.models import Customer, Identity, ProfileIdentity
from customers.queries import owners_of
from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Invalid, NotFound
from cxcenter.core.once import once
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk import card
from cxcenter.desk.golden import source_words
from cxcenter.desk.views.common import customer_for, customer_to_read, pick, whole

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from cxcenter.accounts.models import User

# What people type; browsers and devices make theirs themselves.
TYPED = [(kind.value, kind.label) for kind in IdentityKind if kind not in MADE]


@require_GET
@needs(Right.EDIT_CUSTOMERS)
def identity_form(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form that adds a phone, an address, a login or a card."""
    customer = customer_for(staff_of(request), pk)
    return render(request, "desk/_identity_form.html", {"customer": customer, "kinds": TYPED})


@require_GET
@needs(Right.EDIT_CUSTOMERS)
def identity_owners(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell who has what is being typed, before it is linked; nothing while it is not yet anything."""
    customer = customer_for(staff_of(request), pk)
    kind, typed = request.GET.get("kind", ""), request.GET.get("value", "")
    try:
        found = Identity.objects.filter(kind=kind, value=customers.read_typed(kind=kind, value=typed)).first()
    except Invalid as error:
        junk = error.message if error.code == "junk" else ""
        return render(request, "desk/_identity_owners.html", {"junk": junk})
    if found is None:
        return render(request, "desk/_identity_owners.html")
    is_his = _links(customer, found.pk).exists()
    owners = [] if is_his else owners_of(found, besides=customer)
    return render(
        request,
        "desk/_identity_owners.html",
        {"is_his": is_his, "owners": owners, "links_nobody": not linking([found])},
    )


@require_POST
@needs(Right.EDIT_CUSTOMERS)
@once
@transaction.atomic
def add_identity(request: HttpRequest, pk: int) -> HttpResponse:
    """Link what was typed: alone, shared with others, or moved here from them; answers what takes it back."""
    user, sent = staff_of(request), request.POST
    customer = customer_for(user, pk)
    found = customers.typed_identity(kind=sent.get("kind", ""), value=sent.get("value", ""))
    verified, shared = sent.get("verified") == "1", sent.get("shared", "")
    if shared == "move" and owners_of(found, besides=customer):
        return _moved(found, customer, user, verified=verified)
    link = customers.add_identity(
        customer=customer, identity=found, verified=verified, shared=shared == "both", actor=user
    )
    return JsonResponse({"undo": [reverse("desk:take-link-back", args=[link.pk])]})


def _moved(
    identity: Identity, to: Customer, user: "User", *, off: Customer | None = None, verified: bool = False
) -> JsonResponse:
    link, taken = customers.move_identity(identity=identity, to=to, off=off, verified=verified, actor=user)
    undo = [reverse("desk:take-link-back", args=[link.pk])] if link else []
    return JsonResponse({"undo": undo + [reverse("desk:link-again", args=[row.pk]) for row in taken]})


@require_GET
@needs(Right.EDIT_CUSTOMERS)
def identity(request: HttpRequest, pk: int, identity: int) -> HttpResponse:
    """Show one identity of a customer: since when, by whom, who else has it, and what can be done with it."""
    user = staff_of(request)
    customer = customer_to_read(user, pk)
    links = list(_links(customer, identity))
    if not links:
        raise NotFound(_("This customer has no such identity. Reload the card."))
    context = {
        "customer": customer,
        "one": card.shown_link(links[0], user),
        "sources": [(source_words(link.source), link.since) for link in links],
        "owners": owners_of(links[0].identity, besides=customer),
    }
    return render(request, "desk/_identity.html", context)


def _links(customer: Customer, identity: int) -> "QuerySet[ProfileIdentity]":
    links = ProfileIdentity.objects.filter(profile__customer=customer, identity=identity).select_related("identity")
    return links.order_by("-verified", "-primary", "since", "pk")


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def act_on_identity(request: HttpRequest, pk: int, identity: int, what: str) -> HttpResponse:
    """Verify, doubt, prefer, demote, unlink or move an identity; answers what takes it back."""
    user = staff_of(request)
    customer, found = customer_for(user, pk), pick(Identity.objects.visible_to(user), str(identity))
    if found is None:
        raise NotFound(_("There is no such identity."))
    back = {"verify": "doubt", "doubt": "verify", "demote": "prefer"}
    match what:
        case "verify" | "doubt":
            customers.verify_identity(customer=customer, identity=found, verified=what == "verify", actor=user)
        case "prefer" | "demote":
            former = customers.prefer_identity(customer=customer, identity=found, primary=what == "prefer", actor=user)
            if what == "prefer":
                undo = (former.pk, "prefer") if former else (found.pk, "demote")
                return JsonResponse({"undo": [reverse("desk:act-on-identity", args=[customer.pk, *undo])]})
        case "unlink":
            taken = customers.unlink_identity(customer=customer, identity=found, actor=user)
            return JsonResponse({"undo": [reverse("desk:link-again", args=[taken.pk])]})
        case "move":
            to = customer_for(user, whole(request.POST.get("customer"), "customer"))
            return _moved(found, to, user, off=customer)
        case _:
            raise Invalid(_("There is no such act."))
    return JsonResponse({"undo": [reverse("desk:act-on-identity", args=[customer.pk, found.pk, back[what]])]})


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def take_link_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back a link that was made by hand."""
    customers.take_link_back(link_id=pk, actor=staff_of(request))
    return HttpResponse(status=204)


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def link_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Put back an identity that was taken off."""
    customers.link_again(unlinking_id=pk, actor=staff_of(request))
    return HttpResponse(status=204)
