"""Every code that a recommendation, a state, a move or a refusal can give has words in both languages."""

import json
import re
from pathlib import Path

import pytest

from dispatch.crews.moves import MOVES, STATES

ROOT = Path(__file__).parents[3]
SOURCE = "".join(
    (ROOT / "dispatch" / "crews" / name).read_text() for name in ("recommend.py", "recommender.py", "aggregate.py")
)
ROUTING = (ROOT / "dispatch" / "crews" / "routing.py").read_text()


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_every_code_has_words(locale):
    texts = json.loads((ROOT / "assets" / "i18n" / f"crews.{locale}.json").read_text())
    wanted = {f"crew.state.{state}" for state in STATES} | {f"crew.move.{move}" for move in MOVES}
    wanted |= {f"crew.why.{code}" for code in ("road", "no_network", "place_off_network", "crew_off_network", "unreachable")}
    wanted |= {f"crew.why.{code}" for code in re.findall(r'Why\("(\w+)"', SOURCE)}
    wanted |= {f"crew.excluded.{code}" for code in re.findall(r'return "(\w+)", \{', SOURCE)} | {
        "crew.excluded.position_unknown"
    }
    common = {"move-unknown", "not-permitted", "reason-missing"}  # the same for every stream
    wanted |= {f"crew.refused.{code}" for code in set(re.findall(r'Refused\("([\w-]+)"', SOURCE)) - common}
    assert len(wanted) > 50 and wanted <= set(texts)
    assert {"unreachable", "crew_off_network", "place_off_network", "no_network"} <= set(re.findall(r'"(\w+)"', ROUTING))
