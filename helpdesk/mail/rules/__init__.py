"""What mail means: pure, without a database. `parsing` reads one that came in, `sending` says who is told what."""

from helpdesk.mail.rules.sending import MOST_ATTEMPTS, Said, given_up, pause, worth_a_mail

__all__ = ["MOST_ATTEMPTS", "Said", "given_up", "pause", "worth_a_mail"]
