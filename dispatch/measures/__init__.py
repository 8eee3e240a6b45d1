"""Live measures of the city's areas: open cases, rain, depth and more, per grid cell, district and what lies between."""
