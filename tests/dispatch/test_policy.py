"""What a city's file says about dispatch, over the Chinese default set."""

from __future__ import annotations

import pytest

from dispatch.policy import compile_policy
from hall.core.config import load
from hall.core.errors import ConfigError

CITY = '[city]\nname = { en = "Trial" }\ncentre = [113.92, 35.30]\n'


def policy(folder, text: str = ""):
    (folder / "hall.toml").write_text(CITY + text, encoding="utf-8")
    return compile_policy(load(folder / "hall.toml"))


def test_a_city_that_says_nothing_has_the_default_sets_reasons_labels_and_emergencies(tmp_path):
    rules = policy(tmp_path).files.rules
    assert {"zh-CN": "派遣错误", "en": "Dispatched to the wrong unit"} in rules.reasons["return"]
    assert rules.labels["kind.engineering"]["zh-CN"] == "工程类" and "路面塌陷" in rules.emergency_classes


def test_a_city_replaces_single_entries_and_keeps_the_others(tmp_path):
    own = '[dispatch.casefile]\nundo_seconds = 30\n[dispatch.casefile.reasons]\nreject = [{ en = "Ours" }]\n'
    rules = policy(tmp_path, own).files.rules
    assert (rules.undo_seconds, rules.reasons["reject"]) == (30, [{"en": "Ours"}]) and rules.reasons["return"]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("dispatch.casefile.reasons.refute", "[dispatch.casefile.reasons]\nrefute = []\n"),
        ("dispatch.casefile.undo_seconds", "[dispatch.casefile]\nundo_seconds = -1\n"),
        ("dispatch.casefile", "[dispatch.casefile]\nundoseconds = 3\n"),
    ],
)
def test_a_mistake_is_named_before_anything_starts(tmp_path, key, text):
    with pytest.raises(ConfigError) as caught:
        policy(tmp_path, text)
    assert caught.value.key == key
