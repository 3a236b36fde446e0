"""Every address of the product, found in the resolver and the OpenAPI document, and what to put into its parameters."""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from config.api import api
from fleet.automation.models import Change, Run, Target
from fleet.devices.models import Device
from fleet.monitoring.models import Alert
from fleet.people import services as people
from fleet.people.models import ApiToken, User
from fleet.sites.models import Room, Site
from fleet.web import slots
from helpdesk.tickets.models import Article, Ticket

PUBLIC = {
    "healthz", "display", "web:design", "web:design-log", "api:openapi-json", "api:openapi-view", "api:api-root",
    "account_login", "account_logout", "account_signup", "account_inactive", "account_reset_password",
    "account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done",
    "account_confirm_email", "account_confirm_login_code", "account_email_verification_sent", "account_reauthenticate",
    "mfa_authenticate", "mfa_login_webauthn", "mfa_reauthenticate", "mfa_reauthenticate_webauthn",
}  # fmt: skip
"""Addresses meant for people who are not logged in; allauth guards its own steps between two factors."""

NOT_OURS = ("account_", "mfa_")
"""allauth's own pages hold nothing of a school; their parameters are secrets that only a mail or a key knows."""


@dataclass(frozen=True)
class Things:
    """One of each kind of object that an address can name, all of one school."""

    site: Site
    room: Room
    device: Device
    alert: Alert
    change: Change
    run: Run
    ticket: Ticket
    article: Article
    token: ApiToken


def make_things(*, device: Device, owner: User) -> Things:
    now = timezone.now()
    scope = {"authority_id": device.authority_id, "site_id": device.site_id}
    alert = Alert.objects.create(**scope, device=device, kind="unreachable", severity="critical", opened_at=now)
    change = Change.objects.create(
        **scope, playbook="restart-access-point", playbook_digest="0" * 64, digest="1" * 64, risk="low",
        requested_by=owner, starts_at=now + timedelta(days=1), state=Change.State.AWAITING_APPROVAL, approvals_needed=1,
    )  # fmt: skip
    Target.objects.create(change=change, device=device)
    run = Run.objects.create(change=change, kind=Run.Kind.PREVIEW, state=Run.State.SUCCEEDED, token=uuid.uuid4())
    room = device.room
    assert room is not None
    ticket = Ticket.objects.create(
        **scope, number=f"T-{device.pk}", subject=f"Störung bei {device.name}", requester=owner, room=room
    )
    article = Article.objects.create(ticket=ticket, author=owner, body="Es geht nicht.")
    token, _ = people.issue_token(user=owner, name="mine", reach=ApiToken.Reach.READ, valid_for=timedelta(days=1))
    return Things(device.site, room, device, alert, change, run, ticket, article, token)


PAGE_PARAMETERS: dict[str, str] = {
    "people.pk": "token",
    "devices.pk": "device",
    "sites.pk": "site",
    "monitoring.pk": "alert",
    "automation.pk": "change",
    "tickets.number": "ticket.number",
    "tickets.pk": "ticket",
    "portal.pk": "site",
    "portal.number": "ticket.number",
}
"""`<namespace>.<parameter>` (or `<namespace>:<name>.<parameter>`) -> which of the things it names."""

API_PARAMETERS: dict[str, str] = {
    "site_id": "site",
    "room_id": "room",
    "device_id": "device",
    "alert_id": "alert",
    "change_id": "change",
    "run_id": "run",
    "number": "ticket.number",
    "ticket_id": "ticket",
}

SLOT_SUBJECTS: dict[str, str] = {
    "device": "device",
    "site": "site",
    "room": "room",
    "alert": "alert",
    "change": "change",
    "ticket": "ticket",
}

FIXED: dict[str, str] = {"catalogue.slug": "ap-restart", "slug": "ap-restart"}
"""Parameters that name nothing of a school (a catalogue entry): the value to use."""


def value_of(things: Things, path: str) -> Any:
    name, _, attribute = path.partition(".")
    thing = getattr(things, name)
    return getattr(thing, attribute) if attribute else thing.pk


@dataclass(frozen=True)
class Address:
    """A page's address or an operation of the API; `parameters` maps each to the thing that it names."""

    name: str
    method: str
    route: str
    parameters: Mapping[str, str]
    fixed: Mapping[str, str]
    unknown: frozenset[str]
    body: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def names_something(self) -> bool:
        return bool(self.parameters)

    def url(self, things: Things) -> str:
        values = {name: value_of(things, path) for name, path in self.parameters.items()} | dict(self.fixed)
        if self.route.startswith("/"):
            return self.route.format(**values)
        return reverse(self.name, kwargs=values)


def pages() -> list[Address]:
    """Every named page, with GET and POST: an address must not tell by one method what it hides by the other."""
    return [address for name, route in _named(get_resolver()) for address in _page(name, route)]


def _named(resolver: URLResolver, namespace: str = "", begin: str = "") -> Iterator[tuple[str, str]]:
    for entry in resolver.url_patterns:
        route = begin + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _named(entry, ":".join(filter(None, (namespace, entry.namespace))), route)
        elif entry.name and namespace != "api":
            yield f"{namespace}:{entry.name}" if namespace else entry.name, route


def _page(name: str, route: str) -> Iterator[Address]:
    wanted = set(re.findall(r"<(?:\w+:)?(\w+)>", route))
    if name == "web:panel":
        yield from _panels(route)
    elif not (wanted and name.startswith(NOT_OURS)):
        yield from _both(name, route, wanted)


def _both(name: str, route: str, wanted: set[str]) -> Iterator[Address]:
    namespace = name.partition(":")[0]
    keys = {
        one: next((k for k in (f"{name}.{one}", f"{namespace}.{one}") if k in PAGE_PARAMETERS | FIXED), "") for one in wanted
    }
    parameters = {one: PAGE_PARAMETERS[key] for one, key in keys.items() if key in PAGE_PARAMETERS}
    fixed = {one: FIXED[key] for one, key in keys.items() if key in FIXED}
    unknown = frozenset(f"{name}.{one}" for one, key in keys.items() if not key)
    for method in ("GET", "POST"):
        yield Address(name, method, route, parameters, fixed, unknown)


def _panels(route: str) -> Iterator[Address]:
    for slot in slots._panels:
        for panel, _ in slots.panels(slot):
            subject = SLOT_SUBJECTS.get(slot)
            fixed = {"slot": slot, "name": panel}
            unknown = frozenset() if subject else frozenset({f"slot {slot}"})
            yield Address("web:panel", "GET", f"{route} {slot}/{panel}", {"pk": subject} if subject else {}, fixed, unknown)


def operations() -> list[Address]:
    """Every operation of the OpenAPI document, with a body that its schema accepts."""
    document = api.get_openapi_schema()
    schemas = document.get("components", {}).get("schemas", {})
    return [
        _operation(route, method.upper(), operation, schemas)
        for route, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _operation(route: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Address:
    wanted = [one["name"] for one in operation.get("parameters", []) if one["in"] == "path"]
    parameters = {one: API_PARAMETERS[one] for one in wanted if one in API_PARAMETERS}
    unknown = frozenset(f"{route} {{{one}}}" for one in wanted if one not in API_PARAMETERS | FIXED)
    fixed = {one: FIXED[one] for one in wanted if one in FIXED}
    content = operation.get("requestBody", {}).get("content", {})
    body = example(content["application/json"]["schema"], schemas) if "application/json" in content else None
    return Address(operation["operationId"], method, route, parameters, fixed, unknown, body)


def example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The smallest value that fits: required members only."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    for choice in ("anyOf", "allOf", "oneOf"):
        if choice in schema:
            return example(schema[choice][0], schemas)
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    if schema.get("type") == "object":
        members = schema.get("properties", {})
        return {name: example(members[name], schemas) for name in schema.get("required", [])}
    return _leaf(schema)


def _leaf(schema: dict[str, Any]) -> Any:
    if schema.get("type") == "array":
        return []
    if schema.get("type") == "string" and schema.get("format") == "date-time":
        return (timezone.now() + timedelta(days=1)).isoformat()
    leaves: dict[str, Any] = {"integer": max(1, schema.get("minimum", 1)), "number": 1.0, "boolean": False, "null": None}
    return leaves.get(schema.get("type", "string"), "x" * max(1, schema.get("minLength", 1)))
