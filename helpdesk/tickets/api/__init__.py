"""/tickets in the API."""

from helpdesk.tickets.api import articles, company, many, relations, saying, tickets
from helpdesk.tickets.api.common import router

__all__ = ["articles", "company", "many", "relations", "router", "saying", "tickets"]
