"""Every text exists in both languages; a city's own words take the place of the catalogue's, and of nothing else."""

import re

from layouts import catalogue


def test_every_text_exists_in_both_languages_with_the_same_values():
    chinese, english = (catalogue.texts()[locale] for locale in catalogue.LOCALES)
    assert set(chinese) == set(english)
    holes = re.compile(r"\{(\w+)\}")
    odd = [key for key in chinese if set(holes.findall(chinese[key])) != set(holes.findall(english[key]))]
    assert not odd


def test_a_city_that_uses_the_two_words_for_checking_the_other_way_round_reads_its_own():
    own = {"state.pending_verify": {"zh-CN": "待核查"}, "move.report_check": {"zh-CN": "核实回复", "en": "Field reply"}}
    texts = catalogue.of_city(own)
    assert texts["zh-CN"]["desk.state.pending_verify"] == texts["zh-CN"]["case.pending_verify"] == "待核查"
    assert texts["en"]["desk.move.report_check"] == "Field reply"
    assert texts["en"]["desk.state.pending_verify"] == catalogue.texts()["en"]["desk.state.pending_verify"]
    changed = {key for key, text in texts["zh-CN"].items() if catalogue.texts()["zh-CN"].get(key) != text}
    assert changed == {"desk.state.pending_verify", "case.pending_verify", "desk.move.report_check", "case.move.report_check"}


def test_words_of_a_language_that_the_hall_does_not_speak_change_nothing():
    assert catalogue.of_city({"state.closed": {"fr": "clos"}}) == catalogue.texts()
