"""Everything that writes mail."""

from helpdesk.mail.services.sending import _claim, message, message_id, queue, send_due, thread_id

__all__ = ["_claim", "message", "message_id", "queue", "send_due", "thread_id"]
