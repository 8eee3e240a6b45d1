"""Reporting by the hour: who reports for each part of the city, what is due, late and missing (docs/INCIDENTS.md)."""

from dispatch.reporting.aggregate import Reportings
from dispatch.reporting.settings import ReportingRules, rules_of

__all__ = ["ReportingRules", "Reportings", "rules_of"]
