"""What viewers say on the video socket, whatever it is: understood or refused, in no time."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hall.core.errors import Refused
from video.egress import websocket_requests as requests

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
fields = ("n", "ticket", "channel", "quality", "only", "plain", "takes", "shown", "dropped", "latency_ms")
said = st.fixed_dictionaries(
    {"op": st.sampled_from(["watch", "leave", "ping", "report", "end", ""])}, optional=dict.fromkeys(fields, values)
)


@given(said.map(json.dumps) | st.binary(max_size=100) | st.text(max_size=100))
@settings(max_examples=300, deadline=1000)
def test_whatever_a_viewer_says_is_understood_or_refused(message):
    try:
        found = requests.read(message)
    except Refused as refusal:
        assert refusal.reason == "malformed" and len(refusal.detail) <= 200
    else:
        assert type(found).__name__ in ("Watch", "Leave", "Ping", "Report")
        assert len(getattr(found, "channel", "")) <= 300 and len(getattr(found, "takes", None) or ()) <= 20


@pytest.mark.parametrize("long", ["[", '{"op":', '{"op":"ping","n":1e9', '{"op":"ping","n":' + "9" * 60_000, '"\\u0000'])
def test_the_longest_nonsense_takes_no_time(long):
    began = time.process_time()
    with pytest.raises(Refused):
        requests.read((long * (requests.MAX_BYTES // len(long) + 1))[: requests.MAX_BYTES])
    assert time.process_time() - began < 0.5
