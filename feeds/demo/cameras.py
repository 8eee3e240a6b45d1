"""The shared camera directory: 139 channels with GB/T 28181 ids, owners, and the outages such directories have."""

from __future__ import annotations

from dataclasses import dataclass

from feeds.demo.chance import rng, unit
from feeds.demo.city import City, Site
from feeds.demo.names import CAMERA_OWNERS, COMMUNITIES
from feeds.demo.plane import Point, to_degrees
from feeds.demo.story import DAY
from hall.core.model import Channel

SLOT = 20 * 60_000  # a camera's state holds at least this long
_SIDES = ("东", "南", "西", "北")


@dataclass(frozen=True)
class Camera:
    id: str
    name: str
    owner: str
    civil_code: str
    district: str
    at: Point
    bearing: float

    def online(self, time: int) -> bool:
        """About one in thirty is out for the day, a few more drop out for a while."""
        return unit(self.id, "day", time // DAY) > 0.033 and unit(self.id, "slot", time // SLOT) > 0.006

    def document(self, feed: str, time: int) -> Channel:
        lon, lat = to_degrees(self.at)
        return Channel(
            feed=feed, channel_id=self.id, name=self.name, owner=self.owner, parent=f"{self.id[:8]}00200{self.id[8:10]}00000",
            civil_code=self.civil_code, state="online" if self.online(time) else "offline", has_stream=True,
            lon=lon, lat=lat, bearing_deg=self.bearing, district=self.district, **self.sight(),
        )  # fmt: skip

    def sight(self) -> dict[str, float | bool]:
        """High points turn and see far; the others look one way, as their lenses go."""
        if self.name.endswith("高点"):
            return {"ptz": True, "fov_deg": 60.0, "range_m": 600.0}
        return {
            "fov_deg": float(round(45 + 45 * unit(self.id, "lens"), -1)),
            "range_m": float(round(60 + 120 * unit(self.id, "range"), -1)),
        }


def directory(city: City) -> list[Camera]:
    """All cameras; first one at each underpass and each low crossing, then crossings, banks, parks and communities."""
    chance = rng(city.seed, "cameras")
    places = _places(city, chance)
    found = []
    for owner, sector, count in CAMERA_OWNERS:
        for number in range(count):
            name, at = places[owner][number % len(places[owner])]
            row = city.district_of(at) or city.districts[0][0]
            at = (at[0] + chance.uniform(-24, 24), at[1] + chance.uniform(-24, 24))
            serial = f"{row[2]}00{sector}132{len(found) + 1:07d}"
            found.append(Camera(serial, name, owner, row[2], row[0], at, float(chance.randrange(0, 360, 5))))
    return found


def _places(city: City, chance) -> dict[str, list[tuple[str, Point]]]:
    """Named places by owner, shuffled by the seed."""
    crossings = [(name, city.streets.at[node]) for name, _, node in city.crossings]
    chance.shuffle(crossings)
    police = [(f"{name}{chance.choice(_SIDES)}侧", at) for name, at in crossings]
    wet: list[Site] = [site for site in city.sites if site.kind in ("underpass", "road")]
    works = [(f"{site.name}积水点" if site.kind == "road" else site.name, site.at) for site in wet]
    works += [(f"{name}高点", at) for name, at in crossings[-20:]]
    banks = [site for site in city.sites if site.kind == "river"]
    streets = city.streets
    bridges = [(f"卫河{k}号桥", streets.at[i, 17]) for k, i in enumerate(range(4, 40, 2), 1) if (i, 17) in streets.near]
    parks = [
        (f"{name}{chance.choice(('南门', '北门', '湖心', '广场'))}", shape.centroid.coords[0]) for name, _, shape in city.parks
    ]
    blocks = chance.sample(sorted(streets.blocks), 20)
    homes = [(f"{COMMUNITIES[k % len(COMMUNITIES)]}社区{k + 1}号点", streets.centre(b)) for k, b in enumerate(blocks)]
    owners = [owner for owner, _, _ in CAMERA_OWNERS]
    lists = (police, works, [(site.name, site.at) for site in banks] + bridges, parks, homes)
    return dict(zip(owners, lists, strict=True))
