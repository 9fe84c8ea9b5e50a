"""The golden record: what we believe of a customer, which merges it stands on, who his company is."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from customers.choices import MergeReason, PartyKind
from customers.querysets import CustomerQuerySet, MembershipQuerySet, MergeQuerySet
from cxcenter.core.errors import Gone


class Customer(models.Model):
    """The golden record of one person or company: a projection of its profiles' source records.

    A merge leaves the absorbed customer in place and points it to the one that stands for both: old numbers
    lead on, and an unmerge finds everything where it was.
    """

    kind = models.CharField(_("person or company"), max_length=8, choices=PartyKind, default=PartyKind.PERSON)
    name = models.CharField(pgettext_lazy("of a person", "name"), max_length=200, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    middle_name = models.CharField(_("patronymic"), max_length=100, blank=True)
    birthday = models.DateField(_("birthday"), null=True, blank=True)
    company = models.CharField(_("company"), max_length=200, blank=True)
    country = models.CharField(_("country"), max_length=60, blank=True)
    region = models.CharField(_("region"), max_length=100, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    street = models.CharField(_("street and house"), max_length=200, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, blank=True)
    language = models.CharField(_("language"), max_length=5, blank=True)
    zone = models.CharField(_("time zone"), max_length=60, blank=True)
    about = models.TextField(_("about"), blank=True)
    # The login of a colleague, as sources know it; who has left serves nobody.
    personal_operator = models.CharField(_("personal operator"), max_length=150, blank=True, db_default="")
    # Values of the fields that the administrator has defined: code → value.
    custom = models.JSONField(_("own fields"), default=dict)
    # By these it is found: names, company, own fields, each word in one spelling (`customers.words`).
    words: "ArrayField[list[str], list[str]]" = ArrayField(models.TextField(), default=list)
    # field → {value, source, at, by, record, pinned}: where each golden value came from.
    provenance = models.JSONField(_("where the values came from"), default=dict)
    # Empty for a live customer, else the one that stands for him now.
    merged_into = models.ForeignKey(
        "self", verbose_name=_("merged into"), null=True, on_delete=models.PROTECT, related_name="absorbed"
    )
    # Nothing is known of him any more, and nothing may be noted: see Erasure.
    erased_at = models.DateTimeField(_("erased"), null=True)
    version = models.IntegerField(_("version"), default=0)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes: ClassVar = [
            GinIndex(fields=["words"], name="customer_words"),
            # Own fields are searched by their exact value.
            GinIndex(fields=["custom"], name="customer_custom", opclasses=["jsonb_path_ops"]),
        ]

    def __str__(self) -> str:
        return self.name or self.company or self.number

    @property
    def number(self) -> str:
        """The number that people say aloud."""
        return f"C-{self.pk}"

    def refuse_erased(self) -> None:
        """Raise Gone if he was erased: nothing may be noted of him, and nothing of him is shown."""
        if self.erased_at is not None:
            raise Gone(gettext("%(number)s was erased.") % {"number": self.number})


class Word(models.Model):
    """A word of some golden record. It is looked up here by what was typed with an error, or only begun."""

    word = models.TextField(primary_key=True)
    keys: "ArrayField[list[str], list[str]]" = ArrayField(models.TextField())

    class Meta:
        indexes: ClassVar = [GinIndex(fields=["keys"], name="word_keys")]

    def __str__(self) -> str:
        return self.word


class Merge(models.Model):
    """Two golden records became one, until somebody takes that back."""

    survivor = models.ForeignKey(
        Customer, verbose_name=_("stands for both"), on_delete=models.PROTECT, related_name="merges"
    )
    absorbed = models.ForeignKey(Customer, verbose_name=_("merged into it"), on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(_("why"), max_length=10, choices=MergeReason)
    # What spoke for it. Compared: "probability" and "evidence", the score by field, as they were then (see Likeness). By a
    # verified identity: "identity", the number of the first that led there.
    detail = models.JSONField(_("details"), default=dict)
    at = models.DateTimeField(_("when"), default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by whom"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    undone_at = models.DateTimeField(_("undone"), null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("undone by"), null=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = MergeQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        # Who keeps customers elsewhere asks for the last ones again and again.
        indexes: ClassVar = [models.Index(fields=["-at", "-id"], name="merge_at")]
        constraints: ClassVar = [
            # Whoever tries: a customer is absorbed by one other at a time.
            models.UniqueConstraint(fields=["absorbed"], name="one_merge_stands", condition=models.Q(undone_at=None)),
        ]

    def __str__(self) -> str:
        return f"C-{self.absorbed_id} → C-{self.survivor_id}"


class Apart(models.Model):
    """Two profiles that are not the same person. It holds until somebody takes it back: nothing joins them by itself.

    Who keeps two customers apart pairs all their profiles: the pairs of one decision bear one time and its actor.
    """

    one = models.ForeignKey("Profile", verbose_name=_("profile"), on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey("Profile", verbose_name=_("other profile"), on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(_("when"), default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by whom"), null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("not the same person")
        verbose_name_plural = _("not the same person")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["one", "other"], name="apart_once"),
            models.CheckConstraint(condition=models.Q(one__lt=models.F("other")), name="apart_in_order"),
        ]

    def __str__(self) -> str:
        return f"P-{self.one_id} ≠ P-{self.other_id}"


class Membership(models.Model):
    """A person's place in a business customer: who speaks for the company, and as what.

    Both are profiles: a merge of either customer takes it along. Who has left keeps his row, with its end.
    """

    company = models.ForeignKey("Profile", verbose_name=_("company"), on_delete=models.CASCADE, related_name="members")
    person = models.ForeignKey("Profile", verbose_name=_("person"), on_delete=models.CASCADE, related_name="places")
    role = models.CharField(_("role"), max_length=100, blank=True)
    source = models.CharField(_("source"), max_length=40)
    since = models.DateTimeField(_("since"), default=timezone.now)
    ended_at = models.DateTimeField(_("until"), null=True)
    # Whom a person took out of a company, the same source does not put into it again.
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("ended by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("member of a company")
        verbose_name_plural = _("members of companies")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["company", "person"], name="membership_once", condition=models.Q(ended_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} @ {self.company_id}"
