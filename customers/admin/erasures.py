"""Pages of erasures: who was erased, and what imports do not bring back until an administrator says otherwise."""

from itertools import product
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from customers import actions
from customers.choices import IdentityKind
from customers.erased import digests_of, identity_key, record_key
from customers.models import ErasedKey, Erasure
from customers.normalise import spellings
from cxcenter.core.adminkit import JournalAdmin, act_on_each


@admin.register(Erasure)
class ErasureAdmin(JournalAdmin):
    """Customers who were erased."""

    list_display = ("at", "customer", "reason", "actor", "vacuumed_at")
    list_filter = ("reason",)
    list_select_related = ("customer", "actor")


@admin.register(ErasedKey)
class ErasedKeyAdmin(JournalAdmin):
    """What imports do not bring back."""

    list_display = ("kind", "short", "erasure", "lifted_at", "lifted_by")
    list_filter = ("kind",)
    list_select_related = ("erasure", "lifted_by")
    search_fields = ("=digest",)
    search_help_text = _("A phone, an address or an account as it was, or a source and a number: crm 10001.")
    actions = ("lift",)

    @admin.display(description=_("digest"))
    def short(self, key: ErasedKey) -> str:
        """Show the beginning of the digest: it tells nothing."""
        return f"{key.digest[:12]}…"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the digest of what somebody says was erased wrongly."""
        if not search_term.strip():
            return queryset, False
        source, _space, number = search_term.strip().partition(" ")
        keys = [identity_key(kind, value) for kind, value in product(IdentityKind.values, spellings(search_term))]
        keys.append(record_key(source, number.strip()))
        return queryset.filter(digest__in=[one for key in keys for one in digests_of(key)]), False

    @admin.action(description=_("Let it be imported again"), permissions=["view"])
    def lift(self, request: HttpRequest, rows: QuerySet[ErasedKey]) -> None:
        """Forget that the chosen keys were erased."""
        act_on_each(request, rows, lambda key: actions.lift_key(key=key, actor=request.user))  # type: ignore[arg-type]
