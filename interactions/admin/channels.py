"""Channels, sites, topics, outcomes, blocks."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from cxcenter.core.adminkit import JournalAdmin, SettingsAdmin, act_on_each, badge, copyable
from interactions.actions import call_links, moderation, sites
from interactions.forms import SiteForm
from interactions.models import Block, CallLink, Channel, Disposition, Site, Topic

BLOCKS = {"blocked": "bad"}
LINKS = {"holds": "ok", "used": "info"}


@admin.register(Channel)
class ChannelAdmin(SettingsAdmin):
    """Lines to customers."""

    list_display = ("name", "kind", "active", "hold_s", "return_s", "warn_silent_s")
    list_filter = ("kind", "active")
    search_fields = ("name",)
    fieldsets = (
        (None, {"fields": ("name", ("kind", "active"), "number")}),
        (
            _("Load of operators"),
            {
                "fields": (("hold_s", "return_s"),),
                "description": _(
                    "A contact takes a place of the operator while an answer is due, and for a while after the last message."
                    " A call takes it until it is over."
                ),
            },
        ),
        (
            _("Silence"),
            {
                "fields": (("warn_silent_s", "close_silent_s"),),
                "description": _(
                    "A customer who does not answer is warned first, then the chat is closed. Calls are not."
                ),
            },
        ),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a channel that is no longer used is switched off."""
        return False


@admin.register(Site)
class SiteAdmin(SettingsAdmin):
    """Sites that embed the chat."""

    form = SiteForm
    list_display = ("title", "channel", "swatch", "embed_tag")
    list_select_related = ("channel",)
    search_fields = ("title", "key", "channel__name")
    autocomplete_fields = ("topics",)
    readonly_fields = ("embed_tag", "signing_secret")
    actions_detail = ("new_secret",)
    fieldsets = (
        (
            _("On the site"),
            {
                "fields": ("channel", "embed_tag", "origins"),
                "description": _("Put the tag before the end of the body of every page that shall have the chat."),
            },
        ),
        (
            _("Words and colour"),
            {"fields": (("title", "colour"), ("greeting", "greeting_ru"), "contact_line")},
        ),
        (
            _("Calls from the browser"),
            {
                "fields": (("voice", "link_hours"), "music", ("music_file", "music_licence")),
                "description": _("A caller can switch the music off, and his browser remembers it."),
            },
        ),
        (
            _("Form before the chat"),
            {
                "fields": (
                    ("ask_name", "ask_contact", "need_contact"),
                    ("ask_consent", "consent_url"),
                    "ask_topic",
                    "topics",
                ),
                "description": _("Ask for little: every field costs visitors."),
            },
        ),
        (
            _("Behaviour"),
            {"fields": (("gone_after_s", "keep_place_s", "rate_per_min"), "tracked_types")},
        ),
        (
            _("Signed users"),
            {
                "fields": ("signing_secret",),
                "description": _(
                    "A site that knows who has signed in may pass it on as a JWT (HS256, five minutes at most)"
                    " signed with this secret. Keep it on the site's server."
                ),
            },
        ),
    )

    @display(description=_("tag for the site"))
    def embed_tag(self, site: Site) -> SafeString | Any:
        """Show the tag that brings the chat to a page."""
        if not site.pk:
            return _("Shown when the site is saved.")
        return copyable(f'<script src="{settings.PUBLIC_URL}/widget.js" data-site="{site.key}" async></script>')

    @display(description=_("colour"))
    def swatch(self, site: Site) -> SafeString:
        """Show the colour itself."""
        return format_html('<span class="cx-swatch" style="background:{}"></span>{}', site.colour, site.colour)

    @display(description=_("secret for signed users"))
    def signing_secret(self, site: Site) -> SafeString | Any:
        """Show the secret with a button that copies it."""
        return copyable(site.user_secret) if site.pk else _("Made when you save.")

    @action(
        description=_("New secret"),
        permissions=["change"],
        icon="autorenew",
        dialog={
            "title": _("Make a new secret?"),
            "description": _("Users signed with the old one are not recognised until the site has the new one."),
            "form_class": None,
            "form_submit_text": _("Make it"),
        },
    )
    def new_secret(self, request: HttpRequest, _form: Any, object_id: int) -> HttpResponse:
        """Replace the secret of the site's signed users."""
        sites.renew_secret(site=Site.objects.get(pk=object_id), actor=request.user)  # type: ignore[arg-type]
        messages.success(request, _("The site has a new secret."))
        return HttpResponse(headers={"HX-Redirect": reverse("admin:interactions_site_change", args=[object_id])})


class TreeAdmin(SettingsAdmin):
    """Names that stand under each other."""

    list_display: ClassVar[tuple[str, ...]] = ("path", "name_ru", "active")
    list_filter: ClassVar[tuple[str, ...]] = ("active",)
    list_select_related = ("parent",)
    search_fields = ("name", "name_ru")
    autocomplete_fields = ("parent",)
    ordering = ("parent__name", "name")

    @display(description=_("name"), ordering="name")
    def path(self, row: Any) -> str:
        """Show a name with the one it stands under."""
        return f"{row.parent.name} › {row.name}" if row.parent else row.name


@admin.register(Topic)
class TopicAdmin(TreeAdmin):
    """What contacts are about."""

    fieldsets = (
        (
            None,
            {
                "fields": (("name", "name_ru"), "parent", ("urgent", "active")),
                "description": _("Visitors choose a topic before the chat; entrances lead each topic to its queue."),
            },
        ),
    )


@admin.register(Disposition)
class DispositionAdmin(TreeAdmin):
    """Outcomes chosen at wrap-up."""

    list_display = ("path", "name_ru", "solved", "active")
    list_filter = ("solved", "active")
    fieldsets = (
        (
            None,
            {
                "fields": (("name", "name_ru"), "parent", ("solved", "active")),
                "description": _("An outcome that counts as solved counts for the first contact resolution too."),
            },
        ),
    )


@admin.register(Block)
class BlockAdmin(JournalAdmin):
    """Visitors whose messages are refused for a time."""

    list_display = ("identity", "standing", "until", "reason", "blocked_by", "created_at")
    list_select_related = ("identity", "blocked_by")
    search_fields = ("=identity__value", "reason")
    actions = ("lift",)

    @display(description=_("state"))
    def standing(self, block: Block) -> SafeString:
        """Show whether messages are refused now."""
        if block.lifted_at is None and block.until > timezone.now():
            return badge(BLOCKS, "blocked", _("blocked"))
        return badge(BLOCKS, "over", _("over"))

    @admin.action(description=_("Lift"), permissions=["view"])
    def lift(self, request: HttpRequest, rows: QuerySet[Block]) -> None:
        """Let the chosen visitors write again."""
        act_on_each(request, rows, lambda block: moderation.lift_block(block=block, actor=request.user))  # type: ignore[arg-type]


@admin.register(CallLink)
class CallLinkAdmin(JournalAdmin):
    """Call links that were made for customers. The addresses themselves are not kept."""

    list_display = ("__str__", "standing", "customer", "site", "made_by", "made_at", "expires_at", "claimed_at")
    list_select_related = ("profile__customer", "site", "made_by")
    search_fields = ("profile__customer__name",)
    list_filter = ("site",)
    date_hierarchy = "made_at"
    actions = ("revoke",)

    @display(description=_("state"))
    def standing(self, link: CallLink) -> SafeString:
        """Show whether somebody can call by it now."""
        if link.revoked_at is not None:
            return badge(LINKS, "revoked", _("revoked"))
        if link.expires_at <= timezone.now():
            return badge(LINKS, "over", _("over"))
        return badge(LINKS, "used", _("used")) if link.claimed_at else badge(LINKS, "holds", _("not used yet"))

    @display(description=_("customer"))
    def customer(self, link: CallLink) -> str:
        """Name the customer."""
        return str(link.profile.customer)

    @admin.action(description=_("Revoke"), permissions=["view"])
    def revoke(self, request: HttpRequest, rows: QuerySet[CallLink]) -> None:
        """Let nobody call by the chosen links any more."""
        links = rows.select_related("profile")
        act_on_each(request, links, lambda link: call_links.revoke(link=link, actor=request.user))  # type: ignore[arg-type]
