"""The flood wall: rain, water on the streets, alarms, who is near."""

from layouts.wall import Wall

WALL = Wall(
    name="flood",
    title="wall.flood",
    about="wall.flood.about",
    plan="""
               33           51           30
      2.6  |   masthead     masthead     masthead
      3.6  |   warnings     warnings     warnings
      4.8  |   kpi_strip    kpi_strip    kpi_strip
      15   |   gauges       city_map     alarms
      8    |   gauges       city_map     case_ticker
      6    |   rainfall     city_map     case_ticker
      7.5  |   rainfall     city_map     feed_health
    """,
)
