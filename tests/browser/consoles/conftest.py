"""The parts of test_desk.py are told about by pytest like any file of tests: what an assertion compared is shown."""

import pytest

for part in ("bulletins", "emergency", "flows", "incidents", "response", "seats", "together", "usability"):
    pytest.register_assert_rewrite(f"tests.browser.consoles.desk_{part}")
