"""Every address of the product, found in the resolver and the OpenAPI document, and what to put into its parameters."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone
from django.views.generic import RedirectView

from config.api import api
from fleet.web import slots
from tests.web.things import Things

PUBLIC = {
    "healthz", "display", "web:design", "web:design-log", "api:openapi-json", "api:openapi-view", "api:api-root",
    "tickets:rate", "people:address",  # the token is what opens it
    "metrics", "metrics-devices",  # these answer 401 (tests/web/monitoring/test_metrics.py)
    "account_login", "account_logout", "account_signup", "account_inactive", "account_reset_password",
    "account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done",
    "account_confirm_email", "account_confirm_login_code", "account_email_verification_sent", "account_reauthenticate",
    "portal:manifest",  # browsers ask for it without cookies
    "portal:scan", "portal:scanned",  # the link on a label is the permission (tests/web/portal/test_scanning.py)
    "mfa_authenticate", "mfa_login_webauthn", "mfa_reauthenticate", "mfa_reauthenticate_webauthn",
}  # fmt: skip
"""Addresses meant for people who are not logged in; allauth guards its own steps between two factors."""

NOT_OURS = ("account_", "mfa_")
"""allauth's own pages hold nothing of a school; their parameters are secrets that only a mail or a key knows."""


KEYS = {"portal:scan", "portal:scanned"}
"""Addresses that carry their permission with them: whoever has the link may enter, of whatever school."""


PAGE_PARAMETERS: dict[str, str] = {
    "privacy.uid": "export.uid",
    "privacy.authority": "site.authority_id",
    "privacy:person.pk": "person",
    "privacy:erase.pk": "person",
    "privacy:erasure.pk": "erasure",
    "privacy:erasure-act.pk": "erasure",
    "people:webhook.pk": "webhook",
    "people:webhook-act.pk": "webhook",
    "people:webhook-again.pk": "webhook",
    "people:webhook-again.delivery": "delivery",
    "people.pk": "token",
    "directory.pk": "person",
    "directory.grant": "grant",
    "catalogue:voucher.change_id": "change",
    "devices.pk": "device",
    "sites.pk": "site",
    "sites:poll-group.pk": "poll_group",
    "inventory:credential.pk": "credential",
    "inventory:delete-credential.pk": "credential",
    "inventory:network.pk": "site",
    "inventory:delete-prefix.pk": "search.prefix_id",
    "inventory:site-credentials.pk": "site",
    "inventory.pk": "device",
    "monitoring:search.pk": "search",
    "monitoring:stop-search.pk": "search",
    "monitoring:add-found.pk": "search",
    "maintenance.pk": "maintenance_window",
    "calendar.pk": "site",
    "places.pk": "site",
    "places:table.pk": "place_table",
    "places:building.pk": "room.building_id",
    "places:building-remove.pk": "room.building_id",
    "places:room-new.pk": "room.building_id",
    "places:rooms-new.pk": "room.building_id",
    "places:room.pk": "room",
    "places:room-remove.pk": "room",
    "calendar.import_id": "calendar_import",
    "calendar.closure_id": "closure",
    "calendar.exam_id": "exam",
    "monitoring.pk": "alert",
    "monitoring.authority": "site.authority_id",
    "automation:what-if.pk": "device",
    "automation:audit.pk": "device",
    "automation:audit-csv.pk": "device",
    "automation:schedule-act.pk": "schedule",
    "automation:source.pk": "source",
    "automation:fetch-source.pk": "source",
    "automation:approve-source.pk": "source",
    "automation:remove-source.pk": "source",
    "automation:end-use.pk": "credential_use",
    "automation:rotate.pk": "credential",
    "automation:rotation.pk": "rotation",
    "automation:backup.pk": "backup",
    "automation:backup-download.pk": "backup",
    "automation:backup-restore.pk": "backup",
    "automation:device-backups.pk": "device",
    "automation:backup-fetch.pk": "device",
    "automation:drift-adopt.pk": "drift",
    "automation:drift-restore.pk": "drift",
    "automation:drift-ignore.pk": "drift",
    "automation:intent-forget.pk": "baseline",
    "automation:zone-forget.pk": "zone",
    "automation:remedy-sign.pk": "remedy_policy",
    "automation.pk": "change",
    "automation:agree.proposal": "proposal",
    "automation:end-freeze.pk": "freeze",
    "automation:end-window.pk": "change_window",
    "automation:end-leave.pk": "delegation",
    "automation:approval-link.token": "approval_link.token",
    "tickets.number": "ticket.number",
    "knowledge.pk": "knowledge",
    "finding.pk": "saved_view",
    "knowledge.number": "ticket.number",
    "tickets.pk": "ticket",
    "tickets:formatted.pk": "article",
    "attachments.pk": "attachment",
    "mail.pk": "mail",
    "mail:mailbox.pk": "mailbox",
    "mail:test-mailbox.pk": "mailbox",
    "catalogue.number": "ticket.number",
    "tickets.job": "bulk_job",
    "tickets.arrangement": "queue",
    "portal.pk": "site",
    "portal:renew-label.pk": "device",
    "portal.number": "ticket.number",
    "portal.token": "label.token",
}
"""`<namespace>.<parameter>` (or `<namespace>:<name>.<parameter>`) -> which of the things it names."""

API_PARAMETERS: dict[str, str] = {
    "site_id": "site",
    "closure_id": "closure",
    "exam_id": "exam",
    "window_id": "maintenance_window",
    "authority_id": "site.authority_id",
    "room_id": "room",
    "building_id": "room.building_id",
    "device_id": "device",
    "alert_id": "alert",
    "group_id": "poll_group",
    "change_id": "change",
    "proposal_id": "proposal",
    "freeze_id": "freeze",
    "change_window_id": "change_window",
    "delegation_id": "delegation",
    "backup_id": "backup",
    "other_id": "backup",
    "drift_id": "drift",
    "baseline_id": "baseline",
    "run_id": "run",
    "schedule_id": "schedule",
    "policy_id": "remedy_policy",
    "export_uid": "export.uid",
    "erasure_id": "erasure",
    "source_id": "source",
    "use_id": "credential_use",
    "rotation_id": "rotation",
    "webhook_id": "webhook",
    "number": "ticket.number",
    "ticket_id": "ticket",
    "article_id": "article",
    "attachment_id": "attachment",
    "job_id": "bulk_job",
    "link_id": "link",
    "macro_id": "macro",
    "tag_id": "tag",
    "knowledge_id": "knowledge",
    "view_id": "saved_view",
    "person_id": "person",
    "grant_id": "grant",
}

SLOT_SUBJECTS: dict[str, str] = {
    "device": "device",
    "site": "site",
    "room": "room",
    "alert": "alert",
    "change": "change",
    "credential": "credential",
    "ticket": "ticket",
    "approvals": "person",
}

FIXED: dict[str, str] = {
    "finding.name": "tickets",
    "finding.kind": "csv",
    "privacy.kind": "tickets",
    "data_kind": "tickets",
    "automation:playbook.slug": "ap-restart",
    "catalogue.slug": "ap-restart",
    "automation.slug": "ap-restart",
    "slug": "ap-restart",
    "inventory.kind": "snmp-v3",
    "monitoring.kind": "switch",
    "tickets.kind": "queue",
    "tickets.token": "no-such-token",
    "people:address.token": "no-such-token",
    "kind": "switch",
    "metric": "temperature_c",
}
"""Parameters that name nothing of a school (a catalogue entry): the value to use."""


def value_of(things: Things, path: str) -> Any:
    name, _, attribute = path.partition(".")
    thing = getattr(things, name)
    if isinstance(thing, int):
        return thing
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
    filters: frozenset[str] = frozenset()
    """What a list may be asked for in its query."""

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def names_something(self) -> bool:
        return bool(self.parameters) and self.name not in KEYS

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


def nameless(resolver: URLResolver | None = None) -> Iterator[str]:
    """Routes that the walk cannot call; those that only lead elsewhere show nothing."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from nameless(entry)
        elif not entry.name and getattr(entry.callback, "view_class", None) is not RedirectView:
            yield str(entry.pattern)


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


@cache
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
    filters = frozenset(one["name"] for one in operation.get("parameters", []) if one["in"] == "query")
    return Address(operation["operationId"], method, route, parameters, fixed, unknown, body, filters)


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
    if schema.get("type") == "string" and schema.get("format") == "date":
        return (timezone.localdate() + timedelta(days=1)).isoformat()
    if schema.get("type") == "string" and schema.get("format") == "date-time":
        return (timezone.now() + timedelta(days=1)).isoformat()
    leaves: dict[str, Any] = {"integer": max(1, schema.get("minimum", 1)), "number": 1.0, "boolean": False, "null": None}
    return leaves.get(schema.get("type", "string"), "x" * max(1, schema.get("minLength", 1)))
