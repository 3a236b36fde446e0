"""The report of promises: on the page, as CSV and XLSX, with what one may see."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from helpdesk.tickets import services
from helpdesk.tickets.models import Agreement, Ticket
from helpdesk.tickets.services import sla
from tests.conftest import City, login

pytestmark = pytest.mark.django_db


@pytest.fixture
def judged(city: City) -> None:
    """School A had its answer in time, school B none."""
    Agreement.objects.create(authority=city.authority, name_de="Alles", hours="always", first_response_min=60)
    for site, requester in ((city.school_a, city.coordinator_a), (city.school_b, city.coordinator_b)):
        services.open_ticket(opening=services.Opening(site=site, subject="=cmd()", requester=requester))
    services.reply(ticket=Ticket.objects.get(site=city.school_a), said=services.Reply(city.technician, "Ja."))
    Ticket.objects.filter(site=city.school_b).update(created_at=timezone.now() - timedelta(hours=3))
    sla.reckon_due()


def test_the_page_says_how_many_were_kept(judged: None, city: City) -> None:
    page = login(Client(), city.administrator).get("/reports/promises/").content.decode()

    assert "Zusagen eingehalten" in page
    assert "1 / 1" in page
    assert "0 / 1" in page
    assert "50 %" in page, "of the month"


def test_files_have_a_row_for_each_school(judged: None, city: City) -> None:
    client = login(Client(), city.administrator)

    csv = client.get("/reports/promises.csv").getvalue().decode("utf-8-sig")  # type: ignore[attr-defined]
    xlsx = client.get("/reports/promises.xlsx").getvalue()  # type: ignore[attr-defined]

    month = f"{timezone.localdate():%Y-%m}"
    assert f"{month},Schule A,,1,0,0,0,0,0" in csv
    assert "Schule B,,0,1,0,0,0,0" in csv
    assert zipfile.ZipFile(io.BytesIO(xlsx)).testzip() is None


def test_schools_have_no_reports_and_nobody_counts_what_they_do_not_see(judged: None, city: City) -> None:
    assert login(Client(), city.coordinator_a).get("/reports/promises/").status_code == 404
    city.technician.grants.filter(scope=city.school_b.pk).delete()

    page = login(Client(), city.technician).get("/reports/promises.csv").getvalue().decode()  # type: ignore[attr-defined]

    assert "Schule A" in page
    assert "Schule B" not in page


@pytest.mark.parametrize("query", ["first=x&last=y", "first=2026-03-02&last=2026-03-01", "first=2020-01-01&last=2026-01-01"])
def test_a_period_that_is_none_is_told(query: str, city: City) -> None:
    client = login(Client(), city.administrator)

    assert client.get(f"/reports/promises/?{query}").status_code == 422
    assert client.get(f"/reports/promises.csv?{query}").status_code == 404
