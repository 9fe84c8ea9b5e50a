"""Acts on sites that embed the chat."""

from typing import TYPE_CHECKING

from django.db import transaction

from cxcenter.core import audit
from interactions.models import Site
from interactions.models.channels import new_secret

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


@transaction.atomic
def renew_secret(*, site: Site, actor: "User") -> None:
    """Replace the secret with which a site signs its users: what was signed with the old one is refused."""
    site.user_secret = new_secret()
    site.save(update_fields=["user_secret"])
    audit.record(actor, "site.secret", f"site:{site.pk}")
