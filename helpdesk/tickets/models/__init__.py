"""Tickets, their articles, and how they are sorted, promised and worked on."""

from helpdesk.tickets.models.agreements import Agreement, Escalation, EscalationStep
from helpdesk.tickets.models.articles import Article
from helpdesk.tickets.models.attachments import Attachment, LooseFile
from helpdesk.tickets.models.bulk import BulkJob, BulkRow
from helpdesk.tickets.models.macros import Macro
from helpdesk.tickets.models.organising import Category, Queue, Tag
from helpdesk.tickets.models.relations import Presence, Rating, Recheck, TicketLink
from helpdesk.tickets.models.tickets import Counter, Ticket, TicketQuerySet, Transition

__all__ = [
    "Agreement",
    "Article",
    "Attachment",
    "BulkJob",
    "BulkRow",
    "Category",
    "Counter",
    "Escalation",
    "EscalationStep",
    "LooseFile",
    "Macro",
    "Presence",
    "Queue",
    "Rating",
    "Recheck",
    "Tag",
    "Ticket",
    "TicketLink",
    "TicketQuerySet",
    "Transition",
]
