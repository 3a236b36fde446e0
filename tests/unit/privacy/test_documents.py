import io
import unicodedata

from helpdesk.privacy.services.documents import Chapter, write_pdf

NAMES = "Ayşe Yılmaz, Łukasz Wójcik, Олена Шевченко, Gökçe"


def test_every_letter_of_a_name_is_on_paper() -> None:
    chapter = Chapter("Tickets", "tickets.Ticket", 1)
    chapter.rows.append({"subject": NAMES, "body": unicodedata.normalize("NFD", NAMES)})
    out = io.BytesIO()

    write_pdf(out, f"Alles über {NAMES}", [NAMES], [chapter])

    paper = out.getvalue()
    assert b"+OpenSans-Bold" in paper
    assert b"+OpenSans-Regular" in paper
    assert b"ZapfDingbats" not in paper, "what a font does not hold is drawn as a black square of that one"
