"""Clocks 计时: working calendar, limits 处置时限, timers, escalation. Pure: moments come in as ms since the epoch."""
