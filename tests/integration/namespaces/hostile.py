"""Text that must arrive as text, or not at all."""

TEXTS = {
    "template": "{{ lookup('pipe','id') }}",
    "statement": "{% for x in (1,) %}y{% endfor %}",
    "shell": "x; reboot; $(reboot) `reboot`",
    "quotes": """a'b"c\\d'"'e""",
    "path": "../../etc/passwd",
    "options": "--help -rf #!&|<>*?~",
    "german": "Prüfung №5 – Größe",
}
SHORT = [text for text in TEXTS.values() if len(text.encode()) <= 32]
ASCII = [text for text in TEXTS.values() if text.isascii()]
