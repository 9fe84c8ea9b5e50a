"""How a customer is recognised: identities, and the profiles they lead to."""

from django.db import transaction

from customers.actions.records import create_profile
from customers.comparison import REACHES
from customers.erased import keep_withdrawn, withdraw_again
from customers.events import ProfileSaid
from customers.junk import linking
from customers.models import Identity, Profile, ProfileIdentity, Unlinking
from customers.survivorship import OPERATOR, UNVERIFIED
from cxcenter.core.events import announce


def find_identity(*, kind: str, value: str) -> Identity:
    """Return the identity of that kind and normalised value, made if it is new."""
    identity, made = Identity.objects.get_or_create(kind=kind, value=value)
    if made:
        withdraw_again([identity])
    return identity


def lock_identity(*, kind: str, value: str) -> Identity:
    """Return that identity, locked. One that was erased while we waited for it is another one: it is made anew."""
    while not (locked := Identity.objects.select_for_update().filter(kind=kind, value=value).first()):
        find_identity(kind=kind, value=value)
    return locked


@transaction.atomic
def link_identity(*, profile: Profile, identity: Identity, source: str, verified: bool, primary: bool = False) -> None:
    """Link an identity to a profile; a verified link never becomes unverified."""
    made = keep_link(profile=profile, identity=identity, source=source, verified=verified, primary=primary)
    if made and identity.kind in REACHES and source not in UNVERIFIED:
        announce(ProfileSaid(profile=profile.pk))


def keep_link(*, profile: Profile, identity: Identity, source: str, verified: bool, primary: bool) -> bool:
    """Write a link, for acts that have the profile compared themselves. Returns whether it is new.

    What a person took off the profile no source links again.
    """
    if source != OPERATOR and Unlinking.objects.filter(identity=identity, profile=profile).exists():
        return False
    link, made = ProfileIdentity.objects.get_or_create(
        profile=profile,
        identity=identity,
        defaults={"source": source, "verified": verified, "primary": primary},
    )
    if made:
        keep_withdrawn([identity.pk])
    elif verified and not link.verified:
        link.verified = True
        link.save(update_fields=["verified"])
    return made


@transaction.atomic
def find_or_create_by_identity(
    *, kind: str, value: str, source: str, name: str = ""
) -> tuple[Identity, Profile | None]:
    """Return a verified identity and the profile it leads to; a new profile if it is unknown.

    The profile is None where the identity leads to several customers, is junk, or is shared by too many: a person has
    to choose.
    """
    # The lock makes two first contacts at once one profile.
    identity = lock_identity(kind=kind, value=value)
    if not linking([identity]):
        return identity, None
    links = list(
        ProfileIdentity.objects.filter(identity=identity, verified=True)
        .select_related("profile")
        .order_by("since", "pk")
    )
    if not links:
        profile = create_profile(source=source, fields={"name": name} if name else None)
        link_identity(profile=profile, identity=identity, source=source, verified=True, primary=True)
        return identity, profile
    if len({link.profile.customer_id for link in links}) > 1:
        return identity, None
    return identity, links[0].profile


@transaction.atomic
def recognise(
    *, kind: str, value: str, proven: list[tuple[str, str]], source: str, name: str = ""
) -> tuple[Identity, Profile]:
    """Return an identity that a trusted source vouches for, and its profile; `proven` are his (kind, value) besides.

    An unknown identity belongs to the one customer to whom all that is proven leads, else to a new profile. Junk and
    what too many share prove nothing.
    """
    identity = lock_identity(kind=kind, value=value)
    others = linking(find_identity(kind=other, value=text) for other, text in proven)
    profile = (
        _led_to([identity]) or _led_to(others) or create_profile(source=source, fields={"name": name} if name else None)
    )
    for link in (identity, *others):
        link_identity(profile=profile, identity=link, source=source, verified=True, primary=link == identity)
    return identity, profile


def _led_to(identities: list[Identity]) -> Profile | None:
    """Return the earliest profile of the one customer to whom verified identities lead; None if none or several."""
    links = list(
        ProfileIdentity.objects.filter(identity__in=identities, verified=True)
        .select_related("profile")
        .order_by("since", "pk")
    )
    one = len({link.profile.customer_id for link in links}) == 1
    return links[0].profile if one else None
