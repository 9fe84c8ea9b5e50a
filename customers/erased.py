"""Who was erased: the keys that an import must not bring back.

Phones can be guessed, so what is kept of a key is an HMAC under a secret of the installation, and nothing else. After a
change of `SECRET_KEY` the old one belongs into Django's `SECRET_KEY_FALLBACKS`: else the digests mean nothing any more.
"""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.utils.crypto import salted_hmac

from customers.models import Consent, ErasedKey, Identity, ProfileIdentity

# ("identity", kind, value) or ("record", source, number there).
Key = tuple[str, str, str]
SALT = "customers.erased"
# Keys that one statement asks for.
BATCH = 5000


def identity_key(kind: str, value: str) -> Key:
    """Return the key of a normalised identity."""
    return ("identity", kind, value)


def record_key(source: str, external_id: str) -> Key:
    """Return the key of a source's record."""
    return ("record", source, external_id)


def digest(key: Key) -> str:
    """Return the digest under which a key is kept, in hex."""
    return digests_of(key)[0]


def digests_of(key: Key) -> list[str]:
    """Return the digests that a key may be kept under: by today's secret, then by those of before."""
    secrets = [settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)]
    text = "\x1f".join(key)
    return [salted_hmac(SALT, text, secret=secret, algorithm="sha256").hexdigest() for secret in secrets]


def erased_among(keys: Iterable[Key]) -> set[Key]:
    """Return those of the keys that were erased and must not be brought back by an import. One query for 5000 keys.

    An import asks for each record's own key and for the keys of all identities that it names; a record of which one
    was erased is left out whole.
    """
    by_digest = {one: key for key in keys for one in digests_of(key)}
    asked, found = list(by_digest), set()
    for start in range(0, len(asked), BATCH):
        kept = ErasedKey.objects.filter(digest__in=asked[start : start + BATCH], lifted_at=None)
        found |= {by_digest[one] for one in kept.values_list("digest", flat=True)}
    return found


def keep_withdrawn(identities: Iterable[int]) -> None:
    """Let what came back with identities stay with who has them first, wherever they go. One query."""
    links = ProfileIdentity.objects.filter(identity=OuterRef("identity")).order_by("profile")
    back = Consent.objects.filter(identity__in=identities, profiles=[], granted=False)
    back.update(profiles=ArraySubquery(links.values("profile")))


def withdraw_again(identities: Iterable[Identity]) -> None:
    """Give new identities the withdrawals of before an erasure: who comes back is not advertised to. One query."""
    by_digest = {one: row for row in identities for one in digests_of(identity_key(row.kind, row.value))}
    kept = ErasedKey.objects.filter(digest__in=by_digest).exclude(withdrawn=[])
    Consent.objects.bulk_create(
        Consent(identity=by_digest[row.digest], purpose=purpose, channel=channel, granted=False, proof={"kept": row.pk})
        for row in kept
        for purpose, channel in row.withdrawn
    )
