"""Addresses of the REST API: the parts of all apps under one roof."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from customers.api import views as customers
from cxcenter.api import (
    schema,  # noqa: F401 — tells the schema about tokens
    webhooks,
)
from cxcenter.api.docs import Docs, Schema, nowhere
from interactions.api import calls
from interactions.api import views as interactions
from quality.api import views as quality
from routing.api import ivr
from routing.api import views as routing

app_name = "api"
router = SimpleRouter(use_regex_path=False)
router.register("customers", customers.Customers, "customer")
router.register("profiles", customers.Profiles, "profile")
router.register("identities", customers.Identities, "identity")
router.register("memberships", customers.Memberships, "membership")
router.register("merges", customers.Merges, "merge")
router.register("sources/<slug:source>/records", customers.SourceRecords, "record")
router.register("events", customers.Events, "event")
router.register("threads", interactions.Threads, "thread")
router.register("threads/<int:thread>/messages", interactions.ThreadMessages, "thread-message")
router.register("interactions", interactions.Interactions, "interaction")
router.register("interactions/<int:interaction>/messages", interactions.InteractionMessages, "interaction-message")
router.register("calls", calls.Calls, "call")
router.register("cases", interactions.Cases, "case")
router.register("tasks", interactions.Tasks, "task")
router.register("queues", routing.Queues, "queue")
router.register("work-items", routing.WorkItems, "work-item")
router.register("callbacks", routing.Callbacks, "callback")
router.register("operators", routing.Operators, "operator")
router.register("ivr", ivr.Ivr, "ivr")
router.register("metrics", quality.Metrics, "metric")
router.register("webhooks", webhooks.Webhooks, "webhook")
router.register("webhooks/<int:subscription>/deliveries", webhooks.Deliveries, "delivery")

urlpatterns = [
    path("v1/", include(router.urls)),
    re_path("^v1/", nowhere, name="nowhere"),
    path("docs/", Docs.as_view(), name="docs"),
    path("schema/", Schema.as_view(), name="schema"),
]
