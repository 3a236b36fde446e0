"""For which sites an entry of the calendar holds."""

from dataclasses import dataclass

from fleet.sites.models import Authority, Site


@dataclass(frozen=True)
class Where:
    """One site, or every site of its authority."""

    site: Site
    everywhere: bool = False

    @property
    def columns(self) -> dict[str, int | None]:
        return {"authority_id": self.site.authority_id, "site_id": None if self.everywhere else self.site.pk}

    def hold(self) -> None:
        """Who else enters something here waits until the transaction ends, or two would enter the same."""
        if self.everywhere:
            Authority.objects.select_for_update(no_key=True).get(pk=self.site.authority_id)
        else:
            Site.objects.select_for_update(no_key=True).get(pk=self.site.pk)
