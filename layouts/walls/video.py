"""The camera wall: directory, map and still pictures until streams arrive."""

from layouts.wall import Wall

WALL = Wall(
    name="video",
    title="wall.video",
    about="wall.video.about",
    plan="""
               33                50         31
      2.7em |  masthead          masthead   masthead
      24   |   video_directory   posters    posters
      20   |   city_map          posters    posters
    """,
)
