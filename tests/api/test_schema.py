"""The API does what its schema says: schemathesis tries every operation with good and bad input.

Each is tried with every border value of its schema and with `CX_SCHEMA_EXAMPLES` (5) random ones; what is
tried is the same in every run.
"""

import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from customers import actions as customers
from customers.models import ProfileIdentity
from cxcenter.accounts.models import ApiToken
from cxcenter.accounts.scopes import Scope
from cxcenter.core.models import Event, WebhookDelivery, WebhookSubscription
from interactions.models import Call, Topic
from routing.models import Callback, PauseReason, Queue
from tests import world
from tests.api.callers import Caller, problem
from tests.api.conftest import PHONE, Place, build

EXAMPLES = int(os.environ.get("CX_SCHEMA_EXAMPLES", "5"))
SECRET = "cx_the-token-of-schemathesis"
AUTHORIZATION = {"Authorization": f"Bearer {SECRET}"}
schema = schemathesis.openapi.from_wsgi(
    "/api/schema/?format=json",
    get_wsgi_application(),
    config=SchemathesisConfig.from_dict({"generation": {"allow-x00": False}}),
)


@dataclass
class Ids:
    """Ids of rows that exist: of collections, and of what paths and bodies refer to."""

    rows: dict[str, Any]
    references: dict[str, Any]


@pytest.fixture(scope="module")
def ids(django_db_setup, django_db_blocker) -> Iterator[Ids]:
    """One installation for all operations: what they change is rolled back after each."""
    signals = (request_started, request_finished)
    for signal in signals:
        # A request must not end the connection that holds the test's transaction.
        signal.disconnect(close_old_connections)
    with django_db_blocker.unblock():
        yield seed(build())
        call_command("flush", interactive=False, verbosity=0)
    for signal in signals:
        signal.connect(close_old_connections)


def seed(place: Place) -> Ids:
    integrator, operator = place.people["integrator"], place.people["operator"].pk
    ApiToken.objects.create(
        user=integrator, name="all", prefix=SECRET[:8], digest=ApiToken.hash(SECRET), scopes=list(Scope.values)
    )
    webhook = WebhookSubscription.objects.create(name="x", url="https://1.1.1.1/", created_by=integrator)
    delivery = WebhookDelivery.objects.create(subscription=webhook, topic="case.opened", key="1", body={})
    absorbed = customers.create_profile(source="shop").customer_id
    (merged,) = customers.merge_customers(survivor=place.customer.pk, others=[absorbed])
    company = customers.create_profile(source="shop", fields={"name": "Oakline", "kind": "company"}).customer
    member = customers.add_member(company=company, person=place.customer, role="", actor=place.people["operator"])
    Queue.objects.filter(pk=place.queue.pk).update(callbacks=True)
    callback = Callback.objects.create(thread=place.chat.thread, profile=place.profile, queue=place.queue)
    return Ids(
        rows={
            "customers": place.customer.pk,
            "profiles": place.profile.pk,
            "identities": ProfileIdentity.objects.filter(profile=place.profile).earliest("pk").identity_id,
            "events": Event.objects.earliest("pk").pk,
            "threads": place.chat.thread_id,
            "interactions": place.chat.pk,
            "calls": Call.objects.create(interaction=place.chat).pk,
            "cases": place.case.pk,
            "tasks": place.task.pk,
            "queues": place.queue.pk,
            "callbacks": callback.pk,
            "work-items": place.ours["leg"].item_id,
            "webhooks": webhook.pk,
            "deliveries": str(delivery.pk),
            "merges": merged.pk,
            "memberships": member.pk,
        },
        references={
            "user": operator,
            "owner": operator,
            "assignee": operator,
            "interaction": place.chat.pk,
            "thread": place.chat.thread_id,
            "subscription": webhook.pk,
            "team": place.queue.team_id,
            "queue": place.queue.pk,
            "line": world.make_line(place.queue).pk,
            "profile": place.profile.pk,
            "case": place.case.pk,
            "topic": Topic.objects.create(name="Parts").pk,
            "customer": place.customer.pk,
            "identity": ProfileIdentity.objects.filter(profile=place.profile).earliest("pk").identity_id,
            "survivor": place.customer.pk,
            "other": customers.create_profile(source="shop").customer_id,
            "company": company.pk,
            "person": customers.create_profile(source="shop").customer_id,
            "source": "dms",
            "external_id": "A-1",
            "reason": PauseReason.objects.create(name="Lunch").pk,
        },
    )


def aim(case: Any, ids: Ids) -> None:
    """Let a good case ask for rows that exist and for the first page, and obey rules that no schema can tell."""
    collection = case.operation.path.partition("/{id}")[0].rsplit("/", 1)[-1]
    for name in case.path_parameters:
        case.path_parameters[name] = ids.rows[collection] if name == "id" else ids.references[name]
    # Cursors are taken from pages, keys are used once.
    case.query.pop("cursor", None)
    if case.operation.label == "GET /api/v1/customers/resolve/":
        case.query = {"phone": PHONE}
    if case.operation.label in METRICS:
        # Of these nothing but words and numbers in texts would be right.
        case.query = {"since": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z", **METRICS[case.operation.label]}
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
    if isinstance(case.body, dict):
        for name in set(case.body) & set(ids.references):
            case.body[name] = ids.references[name] if case.body[name] is not None else None
        if case.operation.label in RULES:
            RULES[case.operation.label](case.body, ids.references)


METRICS = {
    "GET /api/v1/metrics/report/": {"by": "queue,priority", "interval": "hour"},
    "GET /api/v1/metrics/contacts/": {"metric": "offered", "page_size": 2},
}


def somebody_has_a_task(body: dict[str, Any], references: dict[str, Any]) -> None:
    body.setdefault("assignee", references["assignee"])


def a_pause_has_a_reason(body: dict[str, Any], references: dict[str, Any]) -> None:
    if body["mode"] == "pause":
        body["reason"] = references["reason"]


def an_address_is_public(body: dict[str, Any], _references: dict[str, Any]) -> None:
    if "url" in body:
        body["url"] = "https://1.1.1.1/"
    if "topics" in body:
        body["topics"] = ["case.opened"]


def an_event_is_somebodys_and_past(body: dict[str, Any], references: dict[str, Any]) -> None:
    for event in body["events"]:
        event["at"] = min(event["at"], "2020-01-01T00:00:00Z")
        event.pop("identity", None)
        event["profile"] = references["profile"]
        event["data"] = {f"fact_{number}": value for number, value in enumerate(event.get("data", {}).values())}


def a_card_has_fields_that_exist(body: dict[str, Any], _references: dict[str, Any]) -> None:
    if "zone" in body:
        body["zone"] = "Europe/Moscow"
    if "custom" in body:
        body["custom"] = {}
    if "personal_operator" in body:
        body["personal_operator"] = ""


def a_record_says_what_can_be_kept(body: dict[str, Any], _references: dict[str, Any]) -> None:
    body["identities"] = []
    body.pop("company", None)
    # A consent is somebody's whom the record names.
    body.pop("consents", None)
    if "fields" in body:
        body["fields"] |= {"birthday": "1988-04-14", "kind": "person", "zone": "Europe/Moscow", "custom": {}}
        body["fields"]["personal_operator"] = ""


def skills_are_known(body: dict[str, Any], _references: dict[str, Any]) -> None:
    body["skills"] = []


def a_phone_is_one(body: dict[str, Any], _references: dict[str, Any]) -> None:
    body |= {"kind": "phone", "value": "+79161234567"}


def others_are_somebody(body: dict[str, Any], references: dict[str, Any]) -> None:
    body["others"] = [references["other"]]


def an_erasure_says_whom_and_why(body: dict[str, Any], references: dict[str, Any]) -> None:
    body |= {"number": f"C-{references['customer']}", "reason": "request"}


def a_consent_was_given_already(body: dict[str, Any], _references: dict[str, Any]) -> None:
    if body.get("at"):
        body["at"] = min(body["at"], "2020-01-01T00:00:00Z")


def a_callback_can_be_made(body: dict[str, Any], _references: dict[str, Any]) -> None:
    body |= {"phone": "+79161234567"}
    for name in ("at", "zone"):
        body.pop(name, None)


def a_caller_has_a_phone(body: dict[str, Any], _references: dict[str, Any]) -> None:
    if body["number"] is not None:
        body["number"] = "+79161234567"
    body.pop("called", None)


RULES = {
    "POST /api/v1/ivr/caller/": a_caller_has_a_phone,
    "PUT /api/v1/sources/{source}/records/{external_id}/": a_record_says_what_can_be_kept,
    "POST /api/v1/customers/{id}/identities/": a_phone_is_one,
    "POST /api/v1/merges/": others_are_somebody,
    "POST /api/v1/work-items/{id}/ask/": skills_are_known,
    "POST /api/v1/customers/{id}/erase/": an_erasure_says_whom_and_why,
    "PATCH /api/v1/customers/{id}/": a_card_has_fields_that_exist,
    "POST /api/v1/tasks/": somebody_has_a_task,
    "POST /api/v1/operators/{user}/mode/": a_pause_has_a_reason,
    "POST /api/v1/customers/{id}/consents/": a_consent_was_given_already,
    "POST /api/v1/callbacks/": a_callback_can_be_made,
    "POST /api/v1/webhooks/": an_address_is_public,
    "PATCH /api/v1/webhooks/{id}/": an_address_is_public,
    "POST /api/v1/events/": an_event_is_somebodys_and_past,
}


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_operation(case, ids, db):
    if case.meta.generation.mode.is_positive:
        aim(case, ids)
    # That the token is needed is asked below, once for each operation.
    case.call_and_validate(headers=AUTHORIZATION, excluded_checks=[schemathesis.checks.ignored_auth])


def operations() -> Iterator[tuple[str, str]]:
    for path, methods in schema.raw_schema["paths"].items():
        yield from ((method.upper(), path) for method in methods)


def test_every_operation_needs_a_token(db):
    for headers in ({}, {"Authorization": "Bearer cx_unknown"}, {"Authorization": "Basic b3BlcmF0b3I6ZGVtbw=="}):
        for method, path in operations():
            real = re.sub(r"\{\w+\}", "1", path.replace("deliveries/{id}", f"deliveries/{uuid.uuid4()}"))
            answer = Caller().call(method, real, **headers)
            problem(answer, 401, "authentication_failed" if "Bearer" in str(headers) else "not_authenticated")
            assert answer["WWW-Authenticate"] == "Bearer"


def test_the_schema_says_the_scope_and_the_refusals_of_every_operation():
    for path, methods in schema.raw_schema["paths"].items():
        for method, operation in methods.items():
            assert re.search(r"Scope: `\w+:(read|write|personal)`\.$", operation["description"]), (method, path)
            assert {"400", "401", "403", "429"} <= set(operation["responses"]), (method, path)
            keys = [p for p in operation.get("parameters", []) if p["name"] == "Idempotency-Key"]
            assert bool(keys) == (method != "get"), (method, path)


def test_the_schema_is_made_without_a_warning(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
