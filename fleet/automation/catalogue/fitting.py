"""Whether a playbook fits those that it names, or is undone with."""

from fleet.automation.catalogue.load import CatalogueError
from fleet.automation.catalogue.model import Playbook
from fleet.automation.catalogue.shelf import get


def not_put_back(playbook: Playbook) -> list[str]:
    """Platforms of a playbook that is undone by putting the configuration back, on which that cannot be done."""
    try:
        able = get("backup").platforms & get("restore").platforms
    except CatalogueError:
        able = frozenset()
    return sorted(playbook.platforms - able)


def not_undone(playbook: Playbook, other: Playbook) -> str | None:
    """Why `playbook` cannot be undone with `other`."""
    return "it cannot be undone with itself" if other.slug == playbook.slug else not_made_good(playbook, other)


def not_made_good(playbook: Playbook, other: Playbook) -> str | None:
    """Why a run of `playbook` that was cut off cannot be made good by `other`."""
    lacking = {one.name for one in other.arguments if one.required} - {one.name for one in playbook.arguments}
    if lacking:
        return f"{other.slug} needs {', '.join(sorted(lacking))}"
    return None if playbook.platforms <= other.platforms else f"{other.slug} is not for all of its platforms"
