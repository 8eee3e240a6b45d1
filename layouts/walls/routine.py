"""The day-to-day wall: today's cases, where they are, what is late."""

from layouts.wall import Wall

WALL = Wall(
    name="routine",
    title="wall.routine",
    about="wall.routine.about",
    plan="""
               29                 55           30
      2.7em |  masthead           masthead     masthead
      5.8em |  kpi_strip          kpi_strip    kpi_strip
      11   |   cases_by_class     city_map     case_ticker
      10   |   cases_by_district  city_map     case_ticker
      6    |   cases_by_source    city_map     alarms
      4    |   trend              city_map     alarms
      6    |   trend              warnings     feed_health
    """,
    strip="""
               21                 44           27           21
      2.7em |  masthead           masthead     masthead     masthead
      5.8em |  kpi_strip          kpi_strip    kpi_strip    kpi_strip
      8     |  cases_by_class     city_map     case_ticker  alarms
      8     |  cases_by_district  city_map     case_ticker  cases_by_source
      7     |  trend              city_map     warnings     feed_health
    """,
)
