"""Formatted text is sanitised in a time and a memory that grow with its length alone, and looks as it did."""

import subprocess
import sys

import pytest

from fleet.web.formatted import DEEPEST, sanitised

BOUNDED = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30,) * 2)
from fleet.web import formatted
formatted.sanitised({html})
"""


@pytest.mark.parametrize(
    "html",
    [
        '"<div>" * 80_000',
        '"".join(f"<font color=c{i}><p>" for i in range(6000))',
        '"".join(f"<b id={i}><p>x" for i in range(6000))',
        '"<p><b><i><u>x" * 10_000',
        '"<table><td>" * 20_000',
        '"<!--" * 100_000',
        '"<a \\"" * 100_000',
        '"<script>" * 50_000',
        '"<script>" + "</script" * 100_000',
        '"&" * 1_000_000',
    ],
)
def test_no_mail_holds_up_those_who_look_at_others(html: str) -> None:
    done = subprocess.run([sys.executable, "-c", BOUNDED.format(html=html)], timeout=30, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr[-300:]


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p>eins<p>zwei", "<p>eins</p><p>zwei</p>"),
        ("<ul><li>a<li>b<ul><li>c</ul><li>d</ul>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>"),
        ("<b><p>x</p></b>", "<b><p>x</p></b>"),
        (
            "<table><tr><td>1<td>2<tr><td>3</table>",
            "<table><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></tbody></table>",
        ),
        ("5 < 6 &amp; 7 > 3 &lt;b&gt;", "5 &lt; 6 &amp; 7 &gt; 3 &lt;b&gt;"),
        ('<img alt="a > b" src=x>', '<img alt="a &gt; b">'),
        ("<style>p{}</style><o:p>x</o:p><!-- <b> --><![if !mso]>y<![endif]>", "xy"),
        ("</p></div>x", "x"),
    ],
)
def test_what_is_left_open_is_closed_as_browsers_do(html: str, shown: str) -> None:
    assert sanitised(html) == shown


def test_what_is_too_deep_is_plain_text() -> None:
    assert sanitised("<div>" * (DEEPEST + 1) + "<b>tief</b>") == "<div>" * DEEPEST + "tief" + "</div>" * DEEPEST


@pytest.mark.parametrize("zeros", ["", "0" * 5000])
def test_a_reference_to_no_character_is_none(zeros: str) -> None:
    assert sanitised(f"&#{zeros}65;&#{zeros}{'9' * 5000};<a title='&#{'9' * 5000}'>x</a>").startswith("A\ufffd<a")
