"""The flood wall: rain, water on the streets, alarms, who is near."""

from layouts.wall import Wall

WALL = Wall(
    name="flood",
    title="wall.flood",
    about="wall.flood.about",
    plan="""
               34           50           30
      2.7em |  masthead     masthead     masthead
      3.9em |  warnings     warnings     warnings
      5.8em |  kpi_strip    kpi_strip    kpi_strip
      14   |   gauges       city_map     alarms
      8    |   gauges       city_map     case_ticker
      4    |   rainfall     city_map     case_ticker
      8    |   rainfall     city_map     feed_health
    """,
)
