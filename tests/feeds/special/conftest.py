"""A feed of a small city, in the shape formats take."""

import pytest

from hall.core import config as config_module


@pytest.fixture
def city():
    """`city(kind, **options)` -> (feed, config)."""

    def make(kind, languages=("zh-CN", "en"), timezone="Asia/Shanghai", **options):
        feed = config_module.FeedConfig(name="f", kind=kind, url="push://", options=options)
        place = config_module.CityConfig(name={"en": "T"}, centre=(0, 0), languages=list(languages), timezone=timezone)
        return feed, config_module.HallConfig(city=place, feeds=[feed], file=__file__)

    return make
