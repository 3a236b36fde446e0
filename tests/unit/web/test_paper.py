import pytest
from reportlab.pdfbase import pdfmetrics

from fleet.web import paper


@pytest.mark.parametrize("font", [paper.PLAIN, paper.BOLD])
def test_everybody_s_name_is_printed(font: str) -> None:
    paper.fonts()
    paper.fonts()

    drawn = pdfmetrics.getFont(font).face.charToGlyph
    names = "Ayşe Yılmaz, İbrahim Gökçe, Łukasz Wójcik, Zażółć Gęślą Jaźń, Олена Шевченко, Їжак Ґедзь, Žižek, Țepeș, „–“ €"
    assert [letter for letter in names if ord(letter) not in drawn] == []
