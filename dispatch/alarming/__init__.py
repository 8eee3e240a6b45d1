"""From readings to edges of alarms: rules (`rules/`), stages (`engine.PIPELINE`), and what ties them to the hall (`part`)."""

from dispatch.alarming.engine import PIPELINE, Engine
from dispatch.alarming.findings import Edge
from dispatch.alarming.rulebook import Rulebook, compile_rules, rules_of

__all__ = ["PIPELINE", "Edge", "Engine", "Rulebook", "compile_rules", "rules_of"]
