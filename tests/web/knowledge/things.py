"""What addresses name of knowledge: an article."""

from dataclasses import dataclass

from django.utils import timezone

from fleet.devices.models import Device
from fleet.people.models import User
from helpdesk.knowledge.models import Article


@dataclass(frozen=True)
class KnowledgeThings:
    knowledge: Article
    """Internal: a coordinator reads none of them."""


def make(device: Device, owner: User) -> KnowledgeThings:
    article = Article.objects.create(
        authority_id=device.authority_id, title_de=f"Anleitung {device.pk}", author=owner, published_at=timezone.now()
    )
    return KnowledgeThings(article)
