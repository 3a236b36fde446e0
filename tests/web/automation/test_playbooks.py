"""The catalogue and its repositories on pages and in the API: who sees them, who has a say, in how many queries."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.automation.catalogue import pinned
from fleet.automation.checks import check_sandbox
from fleet.automation.models import Change, PlaybookSource, SourceVersion
from fleet.automation.rules.catalogue import Search, found
from fleet.automation.services import sources
from fleet.automation.services.sources import Address
from fleet.sites.services import create_authority
from tests.conftest import City, bearer
from tests.integration.automation.conftest import MANIFEST, TEXTS
from tests.integration.automation.test_sources import PLAY, SPECS

OLD, NEW = "a" * 40, "b" * 40


def files(slug: str = "banner", play: str = PLAY) -> dict[str, str]:
    body = {"texts": TEXTS, "labels": "", "timeout_s": 60, "check_mode": "honest", "within_s": 5}
    return {
        f"{slug}/manifest.toml": MANIFEST.format(**body),
        f"{slug}/meta/argument_specs.yml": SPECS,
        f"{slug}/playbook.yml": play,
    }


@pytest.fixture
def source(city: City, settings: LazySettings, tmp_path: Any) -> PlaybookSource:
    """Fetched: one commit that is approved, and a newer one that waits."""
    settings.SOURCES_DIR = tmp_path / "sources"
    made = sources.add(authority=city.authority, address=Address("city", "https://git.example/playbooks"), by=None)
    now = timezone.now()
    for commit, texts in ((OLD, files()), (NEW, files(play=PLAY + "    - raw: <b>&amp;\n"))):
        SourceVersion.objects.create(source=made, commit=commit, files=texts, committed_at=now, subject="Subject")
    PlaybookSource.objects.filter(pk=made.pk).update(fetched_commit=OLD, fetched_at=now)
    sources.approve(source=made, commit=OLD, by=city.administrator)
    PlaybookSource.objects.filter(pk=made.pk).update(fetched_commit=NEW)
    made.refresh_from_db()
    return made


def test_the_list_is_searched(theo: Client, source: PlaybookSource) -> None:
    url = reverse("automation:playbooks")

    everything = theo.get(url).content.decode()
    some = theo.get(url, {"q": "wlan ausschalten", "platform": "openwrt", "risk": "medium"}).content.decode()
    nothing = theo.get(url, {"q": "faxgerät", "risk": "high"}).content.decode()
    odd = theo.get(url, {"risk": "{{ x }}", "platform": "' or 1=1"})

    assert "/playbooks/banner/" in everything
    assert "/playbooks/ssid/" in some
    assert "/playbooks/banner/" not in some
    assert "Kein Playbook passt" in nothing
    assert odd.status_code == 200


def test_one_playbook_tells_everything(theo: Client, change_a: Change, source: PlaybookSource) -> None:
    ssid = theo.get(reverse("automation:playbook", args=["ssid"])).content.decode()
    banner = theo.get(reverse("automation:playbook", args=["banner"])).content.decode()

    for said in ("uci_config", "WLAN-Schlüssel", "geheim", "state = absent", f"/changes/{change_a.pk}/", "höchstens 50"):
        assert said in ssid
    assert f"city @ {OLD[:12]}" in banner
    assert theo.get("/playbooks/nothing/").status_code == 404


def test_the_catalogue_takes_few_queries(
    theo: Client, source: PlaybookSource, change_a: Change, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for url in ("/playbooks/", "/playbooks/ssid/", "/playbooks/banner/"):
        pinned.forget()
        with django_assert_max_num_queries(10):
            theo.get(url)


def test_teachers_have_another_catalogue(alma: Client, anonymous: Client, source: PlaybookSource) -> None:
    assert alma.get(reverse("automation:playbooks")).status_code == 404
    assert alma.get(reverse("automation:playbook", args=["ssid"])).status_code == 404
    assert anonymous.get(reverse("automation:playbooks")).status_code == 302


@pytest.mark.parametrize("name", ["sources", "new-source", "source", "fetch-source", "approve-source", "remove-source"])
def test_repositories_are_the_administrators_business(theo: Client, source: PlaybookSource, name: str) -> None:
    url = reverse(f"automation:{name}", args=[] if name in {"sources", "new-source"} else [source.pk])

    answer = theo.post(url, {"commit": NEW}) if name.startswith(("fetch", "approve", "remove", "new")) else theo.get(url)

    assert answer.status_code == 404
    assert PlaybookSource.objects.get().commit == OLD


def test_what_is_new_is_shown_and_approved_by_post_alone(ada: Client, source: PlaybookSource) -> None:
    page = ada.get(reverse("automation:source", args=[source.pk])).content.decode()
    assert "raw: &lt;b&gt;&amp;amp;" in page
    assert NEW[:12] in page
    url = reverse("automation:approve-source", args=[source.pk])
    assert ada.get(url).status_code == 405
    assert ada.post(url, {"commit": "c" * 40}).status_code == 302
    assert PlaybookSource.objects.get().commit == OLD

    ada.post(url, {"commit": NEW})

    assert PlaybookSource.objects.get().commit == NEW
    assert SourceVersion.objects.get(commit=NEW).approved_by is not None


def test_a_repository_is_added_fetched_watched_and_removed(ada: Client, city: City) -> None:
    given = {"name": "own", "url": "ext::sh -c x", "branch": "main", "folder": "playbooks"}
    refused = ada.post(reverse("automation:new-source"), given)
    assert refused.status_code == 422
    assert "nur über https:// oder ssh://" in refused.content.decode()
    assert "ext::sh -c x" in refused.content.decode(), "what was typed is still there"

    ada.post(reverse("automation:new-source"), given | {"url": "https://git.example/own"})
    source = PlaybookSource.objects.get()
    url = reverse("automation:source", args=[source.pk])
    assert source.state == "fetching"
    assert "every 2s" in ada.get(url).content.decode()
    PlaybookSource.objects.update(state="failed", problem="signature", detail="<no>")

    shown = ada.get(url, {"part": "progress"})
    assert shown.headers["HX-Refresh"] == "true"
    assert "von niemandem signiert" in shown.content.decode()
    assert "&lt;no&gt;" in shown.content.decode()

    ada.post(reverse("automation:remove-source", args=[source.pk]))
    assert not PlaybookSource.objects.exists()


def test_the_same_through_the_api(city: City, source: PlaybookSource, client: Client) -> None:
    root, admin, other = "/api/v1/playbook-sources/", bearer(city.administrator), bearer(city.technician)

    def ask(method: str, url: str, body: Any = None, who: dict[str, str] = admin) -> Any:
        more = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(client, method)(url, headers=who, **more)

    assert ask("get", root, who=other).status_code == 403
    (listed,) = ask("get", root).json()["results"]
    assert (listed["name"], listed["commit"]) == ("city", OLD)
    detail = ask("get", f"{root}{source.pk}").json()
    assert [(one["playbook"], one["kind"]) for one in detail["changes"]] == [("banner", "changed")]
    assert ask("post", f"{root}{source.pk}/approve", {"commit": "c" * 40}).status_code == 409
    assert ask("post", f"{root}{source.pk}/approve", {"commit": NEW}).json()["commit"] == NEW
    assert ask("post", f"{root}{source.pk}/fetch", {}).json()["state"] == "fetching"
    refused = ask("post", root, {"name": "x", "url": "file:///etc"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "url")
    playbooks = {one["slug"]: one for one in ask("get", "/api/v1/playbooks/", who=other).json()}
    assert (playbooks["banner"]["source"], playbooks["banner"]["commit"]) == ("city", NEW)
    assert ask("delete", f"{root}{source.pk}").status_code == 204
    pinned.forget()
    assert "banner" not in {one["slug"] for one in ask("get", "/api/v1/playbooks/").json()}


def test_without_a_sandbox_a_check_warns_of_what_is_not_ours(source: PlaybookSource, settings: LazySettings) -> None:
    assert [one.id for one in check_sandbox()] == ["automation.E007"]
    create_authority(name="Gemeinde Nebenan")
    assert [one.id for one in check_sandbox()] == ["automation.E007", "automation.W003"]
    settings.RUN_SANDBOX = "bwrap"
    assert check_sandbox() == []


def test_search_is_a_rule() -> None:
    from fleet.automation.catalogue import built_in

    playbooks = built_in()
    assert found(playbooks, Search()) == list(playbooks)
    assert [one.slug for one in found(playbooks, Search("WI-FI off", "openwrt"))] == ["ssid"]
    assert found(playbooks, Search(platform="nothing")) == []
