"""docs/TRANSPORTS.md tells every scheme and every option of the transports that connect to suppliers."""

import re
from pathlib import Path

import pytest

from feeds.formats import cap, gb28181, nmea
from feeds.transports import capindex, inbox, jt808, lines, mqtt, open311, poll, redis_stream, ws

DOCS = (Path(__file__).parents[3] / "docs" / "TRANSPORTS.md").read_text()


@pytest.mark.parametrize("module", [capindex, inbox, jt808, lines, mqtt, open311, poll, redis_stream, ws])
def test_every_scheme_has_a_row_with_exactly_its_options(module):
    transport = module.TRANSPORT
    (row,) = [line for line in DOCS.splitlines() if line.startswith(f"| `{transport.schemes[0]}:")]
    assert all(f"`{scheme}://" in row for scheme in transport.schemes)
    assert set(re.findall(r"`(\w+)`", row.split("|")[4])) == set(transport.options)


@pytest.mark.parametrize("module", [cap, gb28181, nmea])
def test_every_option_of_a_special_format_is_told(module):
    assert all(f"`{option}" in DOCS for option in module.FORMAT.options)
