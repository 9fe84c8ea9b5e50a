"""What sources know: profiles, how each can be reached, what each record says."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Func, TextField, Value
from django.db.models.functions import Lower, Reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.choices import IdentityKind
from customers.models.golden import Customer
from customers.querysets import IdentityQuerySet, ProfileQuerySet

# A value read from its end; the extension of a phone is left out.
LAST_DIGITS = Reverse(Func("value", Value(";"), Value(1), function="split_part", output_field=TextField()))


class Profile(models.Model):
    """What one source or one first contact knows of somebody. Never deleted by a merge.

    Only a profile stores a customer; everything else references the profile.
    """

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="profiles"
    )
    # Where it stands when nothing is merged: `customer` is what the merges make of it.
    home = models.ForeignKey(
        Customer, verbose_name=_("customer before merges"), on_delete=models.PROTECT, related_name="residents"
    )
    source = models.CharField(_("source"), max_length=40)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = ProfileQuerySet.as_manager()

    class Meta:
        verbose_name = _("profile")
        verbose_name_plural = _("profiles")

    def __str__(self) -> str:
        return f"P-{self.pk}"


class Identity(models.Model):
    """One way to recognise or reach a customer, unique by kind and normalised value."""

    Kind = IdentityKind

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    value = models.CharField(_("value"), max_length=254)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = IdentityQuerySet.as_manager()

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "value"], name="identity_once")]
        indexes: ClassVar = [
            # The search box: the beginning of an address or login, the last digits of a phone or card.
            models.Index(OpClass(Lower("value"), name="text_pattern_ops"), name="identity_begins"),
            models.Index(OpClass(LAST_DIGITS, name="text_pattern_ops"), name="identity_ends"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class ProfileIdentity(models.Model):
    """A profile's link to an identity. A family phone has several."""

    profile = models.ForeignKey(Profile, verbose_name=_("profile"), on_delete=models.CASCADE, related_name="links")
    identity = models.ForeignKey(Identity, verbose_name=_("identity"), on_delete=models.CASCADE, related_name="links")
    verified = models.BooleanField(_("verified"), default=False)
    primary = models.BooleanField(_("primary"), default=False)
    source = models.CharField(_("source"), max_length=40)
    since = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["profile", "identity"], name="profile_identity_once")]

    def __str__(self) -> str:
        return f"{self.profile_id} → {self.identity_id}"


class SourceRecord(models.Model):
    """What one source says of a profile: raw payload and the fields read from it.

    The source "operator" is an edit at the desk; "form" is what a visitor typed, shown as "says he is".
    """

    profile = models.ForeignKey(Profile, verbose_name=_("profile"), on_delete=models.CASCADE, related_name="records")
    source = models.CharField(_("source"), max_length=40)
    external_id = models.CharField(_("number there"), max_length=120, blank=True)
    fields = models.JSONField(_("fields"), default=dict)
    raw = models.JSONField(_("as received"), default=dict)
    # group of fields → number of the record whose values were chosen by hand; null takes a choice back.
    pins = models.JSONField(_("chosen by hand"), default=dict)
    verified = models.BooleanField(_("verified"), default=False)
    at = models.DateTimeField(_("when"), default=timezone.now)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("entered by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("source record")
        verbose_name_plural = _("source records")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "external_id"], name="source_record_once", condition=~models.Q(external_id="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.external_id}"
