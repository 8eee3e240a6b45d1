"""The camera wall: moving pictures, the directory they come from, the map they stand on."""

from layouts.wall import Wall

WALL = Wall(
    name="video",
    title="wall.video",
    about="wall.video.about",
    plan="""
               24                76
      2.7em |  masthead          masthead
      24   |   video_directory   video_wall
      20   |   city_map          video_wall
    """,
)
