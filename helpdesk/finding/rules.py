"""What of a list's query is kept, and under which address each list stands."""

import re
from urllib.parse import parse_qsl, urlencode

LISTS: dict[str, str] = {"tickets": "tickets:tickets", "devices": "devices:list", "faults": "monitoring:faults"}
"""{list: name of its address}"""
MOST_PARAMETERS, LONGEST_VALUE, LONGEST_QUERY = 20, 200, 1000
NAME = re.compile(r"[a-z][a-z_]{0,29}\Z")
NOT_KEPT = frozenset({"page", "of", "csrfmiddlewaretoken"})


class TooLongError(ValueError):
    """The query has more than a view can keep."""


def kept(query: str) -> str:
    """The parameters that narrow or sort, written anew: `page=3&state=&q=x` -> `q=x`. Raises TooLongError."""
    pairs = parse_qsl(query.removeprefix("?"), max_num_fields=None)
    wanted = [(name, value) for name, value in pairs if NAME.match(name) and name not in NOT_KEPT and "\0" not in value]
    said = urlencode(wanted)
    if len(wanted) > MOST_PARAMETERS or len(said) > LONGEST_QUERY or any(len(v) > LONGEST_VALUE for _, v in wanted):
        raise TooLongError(len(said))
    return said
