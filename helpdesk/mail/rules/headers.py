"""Header fields of a mail (RFC 5322, RFC 2047), read so that nothing malformed can raise or take long."""

import re
from collections.abc import Iterable
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses

from helpdesk.mail.rules.charsets import decoded, storable
from helpdesk.mail.rules.incoming import Sender

TORN = "X-Torn"
"""Put before a line that is no field: to any other program the header ends there."""
LONGEST = 20_000
"""Characters of one header field that are looked at."""
MOST_IDS = 100
OURS = re.compile(r"<F\d{4}-\d{6,9}(?:\.\d{1,20}\.[0-9a-f]{1,20})?\.[0-9a-f]{20}@", re.IGNORECASE)
"""What one of our own looks like: whether it is, its signature says."""
LONGEST_ID = 250
PREFIX = re.compile(
    r"^\s*(?:(?:re|aw|antw|antwort|wg|fw|fwd|wtr|sv|vs|tr|rv|odp|r|i)\s*(?:\[\d{1,3}\]|\(\d{1,3}\)|\*\d{1,3})?\s*[::]\s*)+",
    re.IGNORECASE,
)
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What ends a line, or turns the letters after it around: `Rechnung_fdp.exe` would be read as `Rechnung_exe.pdf`."""
NUMBER = re.compile(r"(?<![A-Za-z0-9])F\d{4}-\d{6,9}(?!\d)", re.IGNORECASE)
COMMENT = re.compile(r"\([^()]*\)")
LONGEST_KEYWORD = 200
LONGEST_FROM = 1_000
LONGEST_LIST = 500_000
"""Of addresses: ours may be the last of thousands."""
_APART = r"\s\x00-\x1f\x7f\ufffd<>"
"""What stands in no address and no id: blanks, control characters, what stood for them, brackets."""
_SPEC = rf"""[^{_APART}"'(),;:@]{{1,64}}@[^{_APART}"'(),;:@]{{1,255}}"""
ONE_MAILBOX = re.compile(
    rf"""\s*(?:(?:"(?:[^"\\]|\\.)*"|[^"<>@])*<\s*(?P<angle>{_SPEC})\s*>|(?P<bare>{_SPEC}))\s*(?:\([^()@]*\)\s*)?"""
)
"""`"Quoted name" <address>`, `Name <address>`, `address` or `address (name)`; only in a quoted name stands another `@`."""
ADDRESS = re.compile(rf"""(?:{_SPEC}|"[^\x00-\x1f\x7f\ufffd<>"\\@]{{1,62}}"@[^{_APART}"'(),;:@]{{1,255}})""")
"""The part before the `@` may be quoted, with blanks in it (RFC 5321, 4.1.2)."""
MESSAGE_ID = re.compile(rf"<([^{_APART}]{{1,995}})>")
BARE_ID = re.compile(rf"[^{_APART}@]{{1,500}}@[^{_APART}@]{{1,255}}")


def raw_values(message: Message, name: str, longest: int | None = LONGEST) -> list[str]:
    """Every field of that name, unfolded. Bytes beyond ASCII are surrogates yet."""
    wanted = name.lower()
    found = [str(value)[:longest] for key, value in message.raw_items() if key.lower() == wanted]
    return [re.sub(r"[\r\n]+[ \t]*", " ", value).strip() for value in found]


def inner(message: Message) -> list[Message]:
    """The parts inside. (`get_payload` decodes a text on the way, and raises for a charset with a zero byte in it.)"""
    payload = message.get_payload() if message.is_multipart() else []
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def raw_value(message: Message, name: str) -> str:
    return next(iter(raw_values(message, name)), "")


def keyword(field: str) -> str:
    """The word of a field without comments (RFC 5322, 3.2.2) and parameters: `no (a person); x=y` -> `no`."""
    left, text = "", field[:LONGEST_KEYWORD]
    while left != text:
        left, text = text, COMMENT.sub(" ", text)
    return text.partition("(")[0].partition(";")[0].strip().lower()


def value(message: Message, name: str) -> str:
    return words(raw_value(message, name))


def words(raw: str) -> str:
    """Encoded words and bare bytes as text, on one line and in one direction. To the library each byte is one letter: it
    would write others as escapes."""
    letters = _octets(raw[:LONGEST]).decode("latin-1")
    try:
        pieces = decode_header(letters) if "=?" in letters else [(letters, None)]
    except (MessageError, ValueError, LookupError, IndexError):
        pieces = [(letters, None)]
    text = "".join(decoded(one.encode("latin-1") if isinstance(one, str) else one, charset) for one, charset in pieces)
    return " ".join(UNSEEN.sub(" ", text).split())


def _octets(text: str) -> bytes:
    """As they came."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeError:
        return storable(text).encode()


def bare(text: str) -> str:
    """Bytes that stand in a header as they are, as text."""
    return decoded(_octets(text))


def sender(message: Message) -> Sender:
    """From; where that names nobody, Sender, then Return-Path, which prove nothing."""
    for name in ("From", "Sender", "Return-Path"):
        said = raw_value(message, name)
        for shown, address in _pairs([said]) or _pairs([words(said)]):  # some programs encode the address, too
            return Sender(words(shown)[:200], address, name == "From" and _only(message, address))
    return Sender()


def _only(message: Message, address: str) -> bool:
    """Whether From stands once and says `address` alone, so that whoever reads it reads the same (RFC 5322, 3.6.2)."""
    said = [] if _is_torn_before_from(message) else raw_values(message, "From", None)
    found = ONE_MAILBOX.fullmatch(bare(said[0])) if len(said) == 1 and len(said[0]) <= LONGEST_FROM else None
    return found is not None and (found["angle"] or found["bare"]).lower() == address


def _is_torn_before_from(message: Message) -> bool:
    names = [name.lower() for name, _value in message.raw_items()]
    return TORN.lower() in names[: names.index("from")]


def addresses(message: Message, names: Iterable[str]) -> tuple[str, ...]:
    found = [address for name in names for _shown, address in _pairs(raw_values(message, name, LONGEST_LIST))]
    return tuple(dict.fromkeys(found))


def _pairs(values: Iterable[str]) -> list[tuple[str, str]]:
    """(name, address in small letters). What the library does not accept is searched for an address."""
    found: list[tuple[str, str]] = []
    for one in map(bare, values):  # an address may have letters beyond ASCII (RFC 6532)
        try:
            pairs = getaddresses([one])
        except (ValueError, IndexError, AttributeError, TypeError, RecursionError):
            pairs = []
        good = [(name, address) for name, address in pairs if ADDRESS.fullmatch(address)]
        if not good and (match := ADDRESS.search(one)):
            good = [(one[: match.start()].strip(" <\"'"), match.group())]
        found += [(name, storable(address).lower()[:320]) for name, address in good]
    return found


def message_id(raw: str) -> str:
    """`<…>` as it stands between the brackets; without brackets too, as some programs write it."""
    text = bare(raw)
    if match := MESSAGE_ID.search(text):
        return match.group()
    found = BARE_ID.search(text)
    return f"<{found.group()}>" if found else ""


def ancestors(message: Message) -> tuple[str, ...]:
    """Of In-Reply-To first, then of References from the nearest to the eldest; of too many the eldest stays too, and
    the nearest that look like ours, wherever they stand."""
    answered = [one for text in raw_values(message, "In-Reply-To") for one in _ids(text)]
    chain = [one for text in raw_values(message, "References", None) for one in _ids(text)]
    found = tuple(dict.fromkeys(f"<{one}>" for one in [*answered, *reversed(chain)]))
    return found if len(found) <= MOST_IDS else tuple(_chosen(found))


def _chosen(found: tuple[str, ...]) -> list[str]:
    """In their order, MOST_IDS of them."""
    ours = [one for one in found if OURS.match(one)][: MOST_IDS // 2]
    kept = set(list(dict.fromkeys([found[0], found[-1], *ours, *found]))[:MOST_IDS])
    return [one for one in found if one in kept]


def _ids(text: str) -> list[str]:
    """Between brackets; where there are none, as some programs write it."""
    text = bare(text)
    return MESSAGE_ID.findall(text) or BARE_ID.findall(text[:LONGEST])


def topic(subject: str) -> str:
    """The subject without what mail programs put before it: `AW: WG: Re[2]: Drucker` -> `Drucker`."""
    return PREFIX.sub("", subject).strip()


def number(subject: str) -> str:
    match = NUMBER.search(subject)
    return match.group().upper() if match else ""


def base_address(address: str) -> tuple[str, str]:
    """(address without, tag): `it+schule-a@x` -> (`it@x`, `schule-a`) (RFC 5233)."""
    local, _, domain = address.rpartition("@")
    name, _, tag = local.partition("+")
    return f"{name}@{domain}", tag
