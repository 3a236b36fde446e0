"""Finding a playbook in the catalogue."""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.automation.catalogue.model import Playbook


@dataclass(frozen=True)
class Search:
    """What is looked for; an empty text asks for nothing."""

    words: str = ""
    platform: str = ""
    risk: str = ""


def found(playbooks: Iterable[Playbook], search: Search) -> list[Playbook]:
    """Those in whose name, title or summary, in either language, every word stands."""
    return [
        playbook
        for playbook in playbooks
        if (not search.platform or search.platform in playbook.platforms)
        and (not search.risk or search.risk == playbook.risk)
        and all(word in _text(playbook) for word in search.words.casefold().split())
    ]


def _text(playbook: Playbook) -> str:
    texts = (playbook.title.de, playbook.title.en, playbook.summary.de, playbook.summary.en)
    return " ".join((playbook.slug, playbook.source, *texts)).casefold()
