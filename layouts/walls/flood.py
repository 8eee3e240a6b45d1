"""The flood wall, the one map of an emergency: response, wet places, closures, tasks, alarms, rain, resources."""

from layouts.wall import Wall

WALL = Wall(
    name="flood",
    title="wall.flood",
    about="wall.flood.about",
    plan="""
               34             48             32
      2.7em |  masthead       masthead       masthead
      4.7em |  response_strip response_strip response_strip
      5.2em |  warnings       warnings       warnings
      12   |   wet_spots      city_map       alarms
      6    |   wet_spots      city_map       closures
      3.5  |   rainfall       city_map       closures
      4.5  |   rainfall       city_map       tasks_due
      3.5  |   reporting      city_map       tasks_due
      5    |   reporting      city_map       alarm_health
      2.1em |  resources      resources      resources
    """,
    strip="""
               25             48             21             19
      2.7em |  masthead       masthead       masthead       masthead
      5.2em |  response_strip response_strip warnings       warnings
      8     |  wet_spots      city_map       alarms         closures
      7     |  wet_spots      city_map       alarms         tasks_due
      7     |  rainfall       city_map       alarm_health   reporting
      2.1em |  resources      resources      resources      resources
    """,
)
