"""How the administration looks, and its menu. Read by settings.py, so nothing here may need them."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def theme(request: HttpRequest) -> str | None:
    """Return the theme that the user has chosen for all screens; None leaves the choice to the system."""
    chosen = getattr(request.user, "theme", "auto")
    return chosen if chosen in {"light", "dark"} else None


def _page(title: Any, model: str, icon: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}


NAVIGATION = [
    {
        "title": _("People"),
        "items": [
            _page(_("Users"), "accounts_user", "person"),
            _page(_("Teams"), "accounts_team", "group"),
            _page(_("Pause reasons"), "routing_pausereason", "coffee"),
            _page(_("Capacity profiles"), "routing_capacityprofile", "speed"),
            _page(_("Rules of interruption"), "routing_givesway", "low_priority"),
            _page(_("Operators now"), "routing_presence", "support_agent"),
        ],
    },
    {
        "title": _("Channels"),
        "items": [
            _page(_("Channels"), "interactions_channel", "forum"),
            _page(_("Sites with the chat"), "interactions_site", "language"),
            _page(_("Telephone exchanges"), "interactions_exchange", "dialer_sip"),
            _page(_("Outages"), "interactions_outage", "warning"),
            _page(_("Topics"), "interactions_topic", "sell"),
            _page(_("Outcomes"), "interactions_disposition", "task_alt"),
            _page(_("Call links"), "interactions_calllink", "phone_forwarded"),
            _page(_("Blocked visitors"), "interactions_block", "block"),
        ],
    },
    {
        "title": _("Queues"),
        "items": [
            _page(_("Queues"), "routing_queue", "inbox"),
            _page(_("Skills"), "routing_skill", "star"),
            _page(_("Business hours"), "routing_businesshours", "schedule"),
            _page(_("Entrances"), "routing_entrance", "login"),
            _page(_("Routing policy"), "routing_policy", "tune"),
            _page(_("Service level"), "quality_levelpolicy", "speed"),
        ],
    },
    {
        "title": _("Texts"),
        "items": [
            _page(_("Quick replies"), "interactions_quickreply", "bolt"),
            _page(_("Articles"), "interactions_article", "menu_book"),
        ],
    },
    {
        "title": _("Integration"),
        "items": [
            _page(_("API tokens"), "accounts_apitoken", "key"),
            _page(_("Webhooks"), "core_webhooksubscription", "webhook"),
            _page(_("Webhook deliveries"), "core_webhookdelivery", "outgoing_mail"),
            _page(_("Commands to exchanges"), "interactions_callcommand", "phone_forwarded"),
            _page(_("Events of platforms"), "interactions_bridgeevent", "settings_phone"),
        ],
    },
    {
        "title": _("Work"),
        "collapsible": True,
        "items": [
            _page(_("Interactions"), "interactions_interaction", "chat"),
            _page(_("Messages"), "interactions_message", "chat_bubble"),
            _page(_("Work items"), "routing_workitem", "hourglass"),
            _page(_("Assignments"), "routing_assignment", "assignment_ind"),
            _page(_("Callbacks"), "routing_callback", "phone_callback"),
            _page(_("Presence intervals"), "routing_presenceinterval", "timeline"),
            _page(_("Cases"), "interactions_case", "folder_open"),
            _page(_("Tasks"), "interactions_task", "checklist"),
            _page(_("Surveys"), "quality_survey", "star"),
            _page(_("Alerts"), "routing_alert", "notifications"),
        ],
    },
    {
        "title": _("Customers"),
        "collapsible": True,
        "items": [
            _page(_("Customers"), "customers_customer", "contacts"),
            _page(_("Imports"), "customers_importrun", "upload_file"),
            _page(_("Templates of imports"), "customers_importtemplate", "table_chart"),
            _page(_("Profiles"), "customers_profile", "badge"),
            _page(_("Identities"), "customers_identity", "fingerprint"),
            _page(_("Source records"), "customers_sourcerecord", "database"),
            _page(_("Consents"), "customers_consent", "handshake"),
            _page(_("Merges"), "customers_merge", "merge"),
            _page(_("Erasures"), "customers_erasure", "person_off"),
            _page(_("Erased keys"), "customers_erasedkey", "key_off"),
            _page(_("Segments"), "customers_segment", "groups"),
            _page(_("Rules of survivorship"), "customers_survivorshiprule", "rule"),
            _page(_("Own fields of the card"), "customers_customfield", "edit_note"),
            _page(_("Rules of matching"), "customers_matchingrules", "join_inner"),
            _page(_("Junk values"), "customers_junkvalue", "delete"),
        ],
    },
    {
        "title": _("Journal"),
        "collapsible": True,
        "items": [
            _page(_("Changes of settings"), "admin_logentry", "history"),
            _page(_("Audit log"), "core_auditentry", "policy"),
            _page(_("Events"), "core_event", "bolt"),
            _page(_("Outbox"), "core_outbox", "outbox"),
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("CX Center: settings"),
    "SITE_HEADER": "CX Center",
    "SITE_SUBHEADER": _("Settings"),
    "SITE_SYMBOL": "support_agent",
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("cx/favicon.svg")},
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "THEME": theme,
    "DASHBOARD_CALLBACK": "cxcenter.administration.attention.on_first_page",
    "BORDER_RADIUS": "6px",
    "STYLES": [lambda _request: static("cx/admin.css")],
    "SCRIPTS": [lambda _request: static("cx/admin.js")],
    # The product's one accent, from soft to strong.
    "COLORS": {
        "primary": {
            "50": "#f1f6fe",
            "100": "#e8effc",
            "200": "#d0dffa",
            "300": "#b9cdf4",
            "400": "#7fa5ec",
            "500": "#4a7fe0",
            "600": "#1f5bd0",
            "700": "#174aad",
            "800": "#143d8c",
            "900": "#132f66",
            "950": "#0d1f44",
        }
    },
    "SIDEBAR": {"show_search": True, "navigation": NAVIGATION},
}
