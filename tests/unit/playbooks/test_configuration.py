"""A whole configuration as one text: what is fetched, and what is put back."""

import pytest
from ansible_collections.fleetdesk.network.plugins.plugin_utils import configuration
from ansible_collections.fleetdesk.network.plugins.plugin_utils.uci_text import UciTextError, parse

EXPORT = """package system

config system 'system'
\toption hostname 'it'\\''s "one" $(reboot)'
\toption note 'two
lines'

config timeserver 'ntp'
\tlist server 'a'
\tlist server 'b'

package empty

package wireless

config wifi-iface
\toption key 'ends with \\'

"""
BANNER = "Nur für Befugte\n\n# file /etc/passwd\n"


def fetched() -> str:
    return configuration.document("mark", f"{EXPORT}mark /etc/banner\n{BANNER}mark done\n")


def test_what_is_fetched_comes_apart_again() -> None:
    found = configuration.packages(fetched())

    assert list(found) == ["system", "empty", "wireless"]
    assert found["system"][0].options["hostname"] == 'it\'s "one" $(reboot)'
    assert found["system"][1].options["server"] == ["a", "b"]
    assert found["wireless"][0].options["key"] == "ends with \\"
    assert configuration.files(fetched()) == {"/etc/banner": BANNER}


def test_what_is_put_back_reads_as_what_was_fetched() -> None:
    for sections in configuration.packages(fetched()).values():
        assert parse(configuration.serialised(sections)) == sections


@pytest.mark.parametrize("output", ["", EXPORT, f"{EXPORT}mark /etc/banner\nhalf"])
def test_an_answer_that_is_cut_off_is_refused(output: str) -> None:
    with pytest.raises(UciTextError):
        configuration.document("mark", output)


def test_only_files_that_we_keep_are_written() -> None:
    assert configuration.files("# file /etc/passwd\n#| root::0:0\n# file /etc/banner\n#| a\n") == {"/etc/banner": "a\n"}
