"""Incidents: what belongs together under one roof, one commander, one set of reports (docs/INCIDENTS.md)."""

from dispatch.incidents.aggregate import Incidents
from dispatch.incidents.settings import IncidentRules, rules_of

__all__ = ["IncidentRules", "Incidents", "rules_of"]
