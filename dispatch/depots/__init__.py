"""Resources 物资: pumps, vehicles, sandbags, shelters' places; who keeps them, who asked for them, what is missing."""

from dispatch.depots.keeping import Depots
from dispatch.depots.model import Depot, Request
from dispatch.depots.requests import Requests

__all__ = ["Depot", "Depots", "Request", "Requests"]
