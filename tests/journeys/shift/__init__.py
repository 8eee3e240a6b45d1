"""A shift worked by scripted people through the real HTTP and WebSocket API, and an independent model that judges it."""
