"""What the portal decides: how a school is said to be, what labels hold, what a scan may do."""

from helpdesk.portal.rules.telling import PICTOGRAMS, Mood, mood, outage, troubles

__all__ = ["PICTOGRAMS", "Mood", "mood", "outage", "troubles"]
