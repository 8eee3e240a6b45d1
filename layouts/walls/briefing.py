"""The leaders' wall: six questions answered from live documents, and the map."""

from layouts.wall import Wall

WALL = Wall(
    name="briefing",
    title="wall.briefing",
    about="wall.briefing.about",
    plan="""
               34              46             34
      2.7em |  masthead        masthead       masthead
      5.8em |  kpi_strip       kpi_strip      kpi_strip
      13   |   brief_event     city_map       brief_people
      13   |   brief_direction city_map       brief_closed
      13   |   brief_warning   trend          brief_silent
    """,
)
