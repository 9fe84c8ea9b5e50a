"""Questions about customers. `visible_to` is the doorway of screens and API alike."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from cxcenter.accounts.roles import Right

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


class _Visible(models.QuerySet[Any]):
    """Rows that follow the right to see cards and timelines."""

    def visible_to(self, user: "User") -> Self:
        """Keep everything for staff with `customers.view`, nothing for others."""
        return self if user.may(Right.VIEW_CUSTOMERS) else self.none()


class ProfileQuerySet(_Visible):
    """Profiles."""


class IdentityQuerySet(_Visible):
    """Identities. Their values are masked for readers without `customers.contacts`."""


class MergeQuerySet(_Visible):
    """Merges, standing and undone."""

    def standing(self) -> Self:
        """Keep those that nobody has taken back."""
        return self.filter(undone_at=None)


class LikenessQuerySet(_Visible):
    """Pairs that may be one person."""

    def undecided(self) -> Self:
        """Keep pairs of two customers whom nobody has joined or kept apart."""
        from customers.models import Apart

        apart = Apart.objects.filter(
            Q(one__customer=OuterRef("one__customer"), other__customer=OuterRef("other__customer"))
            | Q(one__customer=OuterRef("other__customer"), other__customer=OuterRef("one__customer"))
        )
        return self.exclude(one__customer=F("other__customer")).filter(~Exists(apart))

    def after(self, probability: float, pk: int) -> Self:
        """Keep what stands behind a row in the queue: the likeliest first."""
        return self.filter(Q(probability__lt=probability) | Q(probability=probability, pk__lt=pk))

    def of_customer(self, customer_id: int) -> Self:
        """Keep pairs in which a customer is one of the two."""
        return self.filter(Q(one__customer=customer_id) | Q(other__customer=customer_id))


class CustomerQuerySet(_Visible):
    """Golden records."""

    def live(self) -> Self:
        """Leave out who was merged into somebody else."""
        return self.filter(merged_into=None)

    def matching(self, text: str, *, contacts: bool = True) -> Self:
        """Keep live customers whom a text means: see customers/search.py. Contacts are searched for who may see them."""
        from customers import search

        return self.live().filter(search.meaning(text, contacts=contacts))
