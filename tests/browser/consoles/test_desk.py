"""The desk of one running hall in one Chromium, to start which costs more than most of these tests: they stand by what they are
about in files of their own, each with cases and people of its own, and are all collected here, so that one worker runs them."""

import pytest

from tests.browser.consoles.desk_bulletins import *  # noqa: F403
from tests.browser.consoles.desk_emergency import *  # noqa: F403
from tests.browser.consoles.desk_flows import *  # noqa: F403
from tests.browser.consoles.desk_incidents import *  # noqa: F403
from tests.browser.consoles.desk_map import *  # noqa: F403
from tests.browser.consoles.desk_messages import *  # noqa: F403
from tests.browser.consoles.desk_response import *  # noqa: F403
from tests.browser.consoles.desk_seats import *  # noqa: F403
from tests.browser.consoles.desk_together import *  # noqa: F403
from tests.browser.consoles.desk_usability import *  # noqa: F403
from tests.browser.consoles.seat import city
from tests.running import RunningHall

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("chromium_tabs")]


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    with RunningHall(folder / "data", city(folder)) as running:
        yield running
