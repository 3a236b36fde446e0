"""Reads the words of a command: quotes, parameters, substitutions (POSIX.1-2024, 2.2 and 2.6), exact to the character."""

from __future__ import annotations

import re
from collections.abc import Callable

from fleet.lab.ssh.shell.syntax import Arithmetic, Parameter, Part, ShellSyntaxError, Substitution, Text, Word

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_BRACED = re.compile(r"(#(?=[^}]))?([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(:?[-=+?]|%%?|##?)?")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_CASE = re.compile(r"""(?<![^\s;&|({`])case\s+(?:"[^"]*"|'[^']*'|\$\{[^}]*\}|\\.|[^\s;"'])+\s+in\s""")
_ESAC = re.compile(r"(?<![^\s;&|)])esac(?![^\s;&|)])")
_BLANK = " \t\n"


def split(text: str) -> list[Word]:
    """The words of ``text``, which holds one command without operators."""
    reader, found = Reader(text), []
    while reader.skip_blanks():
        found.append(tuple(reader.parts(_BLANK)))
    return found


def here_document(text: str) -> Word:
    """The body of a here-document whose delimiter was not quoted: expansions happen, quotes are text."""
    return tuple(Reader(text).quoted("", "$`\\"))


def literal(text: str) -> Word:
    return (Text(text, quoted=True),)


def unquoted_text(text: str) -> str:
    """``text`` without its quotes, as for the delimiter of a here-document."""
    return "".join(part.text for word in split(text) for part in word if isinstance(part, Text))


def assignment(word: Word) -> tuple[str, Word] | None:
    """``(name, value)`` if the word has the form ``name=value`` with an unquoted name."""
    if not word or not isinstance(word[0], Text) or word[0].quoted:
        return None
    match = _ASSIGNMENT.match(word[0].text)
    if match is None:
        return None
    rest = word[0].text[match.end() :]
    return match[1], (*((Text(rest, quoted=False),) if rest else ()), *word[1:])


class Reader:
    """Reads from ``text`` at ``at``; every method moves behind what it has read."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def skip_blanks(self) -> bool:
        """Move to the next word; False at the end."""
        while self.at < len(self.text):
            if self.text.startswith("\\\n", self.at):
                self.at += 2
            elif self.text[self.at] in _BLANK:
                self.at += 1
            else:
                return True
        return False

    def parts(self, stop: str) -> list[Part]:
        """Unquoted context up to a character of ``stop`` (which is left) or the end."""
        found: list[Part] = []
        while self.at < len(self.text) and self.text[self.at] not in stop:
            found += self.one()
        return _merged(found)

    def one(self) -> list[Part]:
        """A quoted piece, an expansion or one character."""
        match self.text[self.at]:
            case "'":
                return [Text(self._until("'"), quoted=True)]
            case '"':
                self.at += 1
                found = self.quoted('"', '$`"\\')
                self.at += 1
                return found or [Text("", quoted=True)]
            case "\\":
                return self._escape()
            case "$" | "`":
                return [self._expansion(quoted=False)]
            case char:
                self.at += 1
                return [Text(char, quoted=False)]

    def _escape(self) -> list[Part]:
        pair = self.text[self.at : self.at + 2]
        self.at += len(pair)
        if pair == "\\\n":
            return []
        return [Text(pair[1:] or "\\", quoted=True)]

    def quoted(self, stop: str, escapable: str) -> list[Part]:
        """Double-quoted context up to ``stop``, which is left."""
        found: list[Part] = []
        while self.at < len(self.text) and (not stop or self.text[self.at] not in stop):
            char = self.text[self.at]
            if char == "\\":
                found.append(Text(self._quoted_escape(escapable), quoted=True))
            elif char in "$`":
                found.append(self._expansion(quoted=True))
            else:
                self.at += 1
                found.append(Text(char, quoted=True))
        if stop and self.at >= len(self.text):
            raise ShellSyntaxError("unterminated quoted string")
        return _merged(found)

    def _quoted_escape(self, escapable: str) -> str:
        pair = self.text[self.at : self.at + 2]
        self.at += len(pair)
        if pair == "\\\n":
            return ""
        return pair[1] if pair[1:] and pair[1] in escapable else pair

    def _until(self, mark: str) -> str:
        """The raw text between the mark at the current place and the next one."""
        end = self.text.find(mark, self.at + 1)
        if end < 0:
            raise ShellSyntaxError("unterminated quoted string")
        start, self.at = self.at + 1, end + 1
        return self.text[start:end]

    def _expansion(self, *, quoted: bool) -> Part:
        for opening, read in self._openings():
            if self.text.startswith(opening, self.at):
                return read(quoted)
        match = _NAME.match(self.text, self.at + 1)
        if match is None:
            self.at += 1
            return Text("$", quoted)
        self.at = match.end()
        return Parameter(match[0], quoted)

    def _openings(self) -> tuple[tuple[str, Callable[[bool], Part]], ...]:
        return (("`", self._backticks), ("$((", self._arithmetic), ("$(", self._command), ("${", self._braced))

    def _backticks(self, quoted: bool) -> Part:
        start = self.at = self.at + 1
        while self.at < len(self.text) and self.text[self.at] != "`":
            self.at += 2 if self.text[self.at] == "\\" else 1
        if self.at >= len(self.text):
            raise ShellSyntaxError("EOF in backquote substitution")
        raw = self.text[start : self.at]
        self.at += 1
        return Substitution(re.sub(r'\\([$`\\"])' if quoted else r"\\([$`\\])", r"\1", raw), quoted)

    def _arithmetic(self, quoted: bool) -> Part:
        start = self.at
        self.at += 3
        end = self._closing(")")
        if not self.text.startswith("))", end):
            # ``$((a); b)``: a command substitution that begins with a subshell.
            self.at = start
            return self._command(quoted)
        expression = self.text[start + 3 : end]
        self.at = end + 2
        return Arithmetic(tuple(Reader(expression).quoted("", "$`\\")), quoted)

    def _command(self, quoted: bool) -> Part:
        start = self.at = self.at + 2
        end = self._closing(")")
        self.at = end + 1
        return Substitution(self.text[start:end], quoted)

    def _closing(self, mark: str) -> int:
        """The index of the ``)`` that closes what is open here; quotes and nested brackets are passed over."""
        depth = cases = 0
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == mark and depth == 0 and not cases:
                return self.at
            # The ``)`` behind a pattern of ``case`` closes nothing.
            cases += bool(_CASE.match(self.text, self.at)) - bool(cases and _ESAC.match(self.text, self.at))
            depth = max(0, depth + (char == "(") - (char == ")"))
            self._pass(char)
        raise ShellSyntaxError("unterminated substitution")

    def _pass(self, char: str) -> None:
        if char == "'":
            self._until("'")
        elif char == '"':
            self.at += 1
            self.quoted('"', '$`"\\')
            self.at += 1
        elif char == "`":
            self._backticks(quoted=False)
        elif char == "#" and (self.at == 0 or self.text[self.at - 1] in _BLANK + ";&|("):
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
        else:
            self.at += 2 if char == "\\" else 1

    def _braced(self, quoted: bool) -> Part:
        self.at += 2
        match = _BRACED.match(self.text, self.at)
        if match is None:
            raise ShellSyntaxError("bad substitution")
        self.at = match.end()
        length, name, operator = match.groups()
        argument = self._argument(operator or "", quoted=quoted)
        if self.at >= len(self.text) or self.text[self.at] != "}" or (length and operator):
            raise ShellSyntaxError("bad substitution")
        self.at += 1
        return Parameter(name, quoted, "length" if length else operator or "", argument)

    def _argument(self, operator: str, *, quoted: bool) -> Word:
        if not operator:
            return ()
        if quoted and operator[0] not in "%#":
            return tuple(self._quoted_argument())
        return tuple(self.parts("}"))

    def _quoted_argument(self) -> list[Part]:
        """The word in ``"${name:-word}"``: double-quoted text, in which a pair of double quotes may stand again."""
        found: list[Part] = []
        while self.at < len(self.text) and self.text[self.at] != "}":
            found += self.quoted('}"', '$`"\\}')
            if self.text[self.at] == '"':
                self.at += 1
        return found


def _merged(parts: list[Part]) -> list[Part]:
    """Join neighbouring pieces of text of the same kind."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, Text) and isinstance(last, Text) and part.quoted == last.quoted:
            found[-1] = Text(last.text + part.text, part.quoted)
        else:
            found.append(part)
    return found
