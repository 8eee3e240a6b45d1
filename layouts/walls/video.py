"""The camera wall: moving pictures, the directory they come from, how they are, the map they stand on."""

from layouts.wall import Wall

WALL = Wall(
    name="video",
    title="wall.video",
    about="wall.video.about",
    plan="""
               28                72
      2.7em |  masthead          masthead
      17   |   video_directory   video_wall
      10   |   video_health      video_wall
      17   |   city_map          video_wall
    """,
)
