"""A shift replayed with twenty scripted people in competition over the real API, judged by an independent model."""

import asyncio

import pytest

from tests.journeys.shift.city import boston, flood
from tests.journeys.shift.worked import shift
from tests.running import RunningHall


@pytest.mark.timeout(120)
def test_twenty_people_in_competition_lose_no_update_and_every_case_ends_where_the_model_says(tmp_path, capsys):
    city = flood(tmp_path, cases=120, seconds=25)
    with RunningHall(tmp_path / "v", city.config) as hall:
        told = asyncio.run(shift(hall, city, city.seconds, seed=1, think=0.1))
    with capsys.disabled():
        print(f"\n{told}")


@pytest.mark.realdata
@pytest.mark.timeout(1200)
def test_a_shift_of_the_hurricane_day_over_boston_at_sixty_times_its_speed(tmp_path, real_data, capsys):
    city = boston(tmp_path, "2011-08-28T08:00:00", "2011-08-28T16:00:00")
    with RunningHall(tmp_path / "v", city.config, HALL_REAL_DATA=str(real_data)) as hall:
        told = asyncio.run(shift(hall, city, city.seconds, seed=28, think=0.3))
    with capsys.disabled():
        print(f"\n{told}")
