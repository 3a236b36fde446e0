"""For which sites an entry of the calendar holds."""

from dataclasses import dataclass

from fleet.sites.models import Site


@dataclass(frozen=True)
class Where:
    """One site, or every site of its authority."""

    site: Site
    everywhere: bool = False

    @property
    def columns(self) -> dict[str, int | None]:
        return {"authority_id": self.site.authority_id, "site_id": None if self.everywhere else self.site.pk}
