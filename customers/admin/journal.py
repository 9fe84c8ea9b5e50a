"""Pages of customers, read-only: cards are edited at the desk, where every edit keeps its source."""

from operator import attrgetter
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from customers import actions
from customers.models import Consent, Customer, Identity, Merge, Profile, ProfileIdentity, SourceRecord
from cxcenter.core import audit
from cxcenter.core.adminkit import JournalAdmin, ReadInline, act_on_each


class CardAdmin(JournalAdmin):
    """Rows that show what is known of a customer: the audit log keeps who opened one."""

    # The id of the customer of a row.
    whose: ClassVar = attrgetter("pk")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any) -> Any:
        """Show the page, and note who looks: once an hour."""
        audit.record_once(request.user, "customer.view", f"customer:{self.whose(options['obj'])}")
        return super().render_change_form(request, context, *args, **options)


class ProfileInline(ReadInline):
    """What sources know of the customer."""

    model = Profile
    fk_name = "customer"
    fields = ("id", "source", "created_at", "home")
    ordering = ("pk",)
    show_change_link = True


class IdentityInline(ReadInline):
    """How the profile can be reached."""

    model = ProfileIdentity
    fields = ("identity", "verified", "primary", "source", "since")
    ordering = ("pk",)
    verbose_name_plural = _("identities")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProfileIdentity]:
        """Fetch the identities with their links."""
        rows: QuerySet[ProfileIdentity] = super().get_queryset(request)
        return rows.select_related("identity")


class RecordInline(ReadInline):
    """What each source says."""

    model = SourceRecord
    fields = ("source", "external_id", "fields", "at", "entered_by")
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SourceRecord]:
        """Fetch who entered each record."""
        rows: QuerySet[SourceRecord] = super().get_queryset(request)
        return rows.select_related("entered_by")


@admin.register(Customer)
class CustomerAdmin(CardAdmin):
    """Golden records."""

    has_number = True
    list_display = ("number", "name", "company", "city", "language", "updated_at")
    list_filter = ("language",)
    search_fields = ("name", "company")
    search_help_text = _("A name, or a number like C-12.")
    inlines = (ProfileInline,)
    fieldsets = (
        (None, {"fields": (("name", "kind"), ("last_name", "first_name", "middle_name"), ("company", "birthday"))}),
        (
            None,
            {
                "fields": (
                    ("country", "region", "city"),
                    ("street", "postcode"),
                    ("language", "zone"),
                    "about",
                    "custom",
                )
            },
        ),
        (_("Where the values came from"), {"fields": ("provenance",), "classes": ("collapse",)}),
        (_("Record"), {"fields": (("created_at", "updated_at", "version"), "merged_into")}),
    )

    @display(description=_("number"), ordering="pk")
    def number(self, customer: Customer) -> str:
        """Show the number people say aloud."""
        return customer.number


@admin.register(Profile)
class ProfileAdmin(CardAdmin):
    """What one source or one first contact knows."""

    whose = attrgetter("customer_id")
    has_number = True
    list_display = ("__str__", "customer", "source", "created_at")
    list_filter = ("source",)
    search_fields = ("customer__name",)
    search_help_text = _("A customer's name, or a number like P-12.")
    list_select_related = ("customer",)
    inlines = (IdentityInline, RecordInline)


@admin.register(Identity)
class IdentityAdmin(JournalAdmin):
    """Phones, addresses, browsers, accounts."""

    list_display = ("value", "kind", "created_at")
    list_filter = ("kind",)
    search_fields = ("value",)
    search_help_text = _("A part of a phone or an address.")


@admin.register(SourceRecord)
class SourceRecordAdmin(CardAdmin):
    """What sources say."""

    whose = attrgetter("profile.customer_id")
    list_display = ("at", "profile", "source", "external_id", "entered_by")
    list_filter = ("source",)
    search_fields = ("=external_id",)
    list_select_related = ("profile", "entered_by")


@admin.register(Consent)
class ConsentAdmin(JournalAdmin):
    """Permissions given and withdrawn."""

    list_display = ("at", "identity", "purpose", "granted")
    list_filter = ("purpose", "granted")
    search_fields = ("=identity__value",)
    list_select_related = ("identity",)


@admin.register(Merge)
class MergeAdmin(JournalAdmin):
    """Who was merged into whom, why, by whom, and whether it was undone."""

    list_display = ("at", "absorbed", "survivor", "reason", "actor", "undone_at")
    list_filter = ("reason",)
    list_select_related = ("absorbed", "survivor", "actor")
    actions = ("undo",)

    @admin.action(description=_("Undo"), permissions=["view"])
    def undo(self, request: HttpRequest, rows: QuerySet[Merge]) -> None:
        """Take the chosen merges back."""
        act_on_each(request, rows, lambda merge: actions.unmerge(merge_id=merge.pk, actor=request.user))  # type: ignore[arg-type]
