"""What is understood of a mail that came in."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sender:
    """`address` in small letters, empty when the mail names none."""

    name: str = ""
    address: str = ""
    certain: bool = True
    """Whether one From alone names it, and nothing else: what SPF and DMARC speak of, and what any program shows."""

    @property
    def identity(self) -> str:
        """The address by which anybody is known; empty where another one might be meant."""
        return self.address if self.certain else ""

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


@dataclass(frozen=True)
class File:
    """An attachment. `path`: where its bytes lie, when they are no longer in `content`."""

    name: str
    content_type: str
    content: bytes = b""
    size: int = 0
    digest: str = ""
    path: str = ""


@dataclass(frozen=True)
class Incoming:
    """`unreadable`: why it cannot be worked with; everything else is then what could be made out."""

    unreadable: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    ancestors: tuple[str, ...] = ()
    """Message-IDs of In-Reply-To and References, nearest first (RFC 5322, 3.6.4)."""
    sender: Sender = field(default_factory=Sender)
    addressed: tuple[str, ...] = ()
    """Whom To and Cc name: the same in each copy."""
    recipients: tuple[str, ...] = ()
    """All to whom it may have been delivered."""
    date: str = ""
    """As it stands in the header."""
    subject: str = ""
    number: str = ""
    """A ticket's, out of the subject."""
    automatic: str = ""
    """Why it counts as written by a program that wants no answer; empty: a person wrote it."""
    bounce: bool = False
    quiet: bool = False
    """Nothing is to be answered by a program (RFC 3834, section 2)."""
    loops: tuple[str, ...] = ()
    """What X-Loop says."""
    text: str = ""
    quoted: str = ""
    html: str = ""
    files: tuple[File, ...] = ()
    beyond: int = 0
    """Parts that were not looked at, for there are too many."""
