"""The demo's forty crews are a roster that the hall can enrol and whose positions it finds."""

import collections

import msgspec

from feeds.demo.roster import rows
from feeds.demo.write import write_city
from hall.core import config as configuration


def test_every_unit_of_the_fleet_is_on_the_roster_that_the_configuration_names(tmp_path, world):
    config = configuration.load(write_city(tmp_path, world.city.seed))
    written = msgspec.json.decode(config.path(config.dispatch["crews"]["roster"]).read_bytes())
    assert [row["crew_id"] for row in written] == [unit.id for unit in world.flooding.fleet] and len(written) == 40
    feed = next(feed.name for feed in config.feeds if feed.kind == "position")
    assert all(row["position"] == f"position/{feed}/{row['crew_id']}" for row in written)


def test_every_hour_has_crews_of_every_trade(world):
    found = rows(world.city)
    for skill in {skill for row in found for skill in row["skills"]}:
        hours = collections.Counter()
        for row in (row for row in found if skill in row["skills"]):
            if not row.get("shifts"):
                hours.update(range(24))
            for shift in row.get("shifts", []):
                start, end = int(shift["start"][:2]), int(shift["end"][:2])
                hours.update((start + n) % 24 for n in range((end - start) % 24))
        assert min(hours[hour] for hour in range(24)) >= 2, skill
