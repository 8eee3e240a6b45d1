"""Everything the hall refuses, in one tree. Each error carries a reason a person can act on."""

from __future__ import annotations


class HallError(Exception):
    """Root of every error raised on purpose."""


class ConfigError(HallError):
    """A configuration file says something the hall cannot use.

    `str(error)` reads `hall.toml:12: feeds[0].mapping.time: what is wrong`.
    """

    def __init__(self, problem: str, *, file: str = "hall.toml", line: int | None = None, key: str = "") -> None:
        self.problem, self.file, self.line, self.key = problem, file, line, key
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {key}: {problem}" if key else f"{place}: {problem}")


class BadInput(HallError):
    """One supplied item cannot be understood: it is parked, never dropped.

    `reason` is a short stable code (`time-unparsable`), `detail` says what and where in the item.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class Refused(HallError):
    """A request is understood and not granted; `reason` is a stable code, `detail` a sentence for people."""

    def __init__(self, reason: str, detail: str = "", status: int = 400) -> None:
        self.reason, self.detail, self.status = reason, detail, status
        super().__init__(f"{reason}: {detail}" if detail else reason)


class BusLost(HallError):
    """The bus (Redis/Valkey) cannot be reached or refuses writes; nothing was acknowledged."""


class BusRefuses(BusLost):
    """The bus answers and takes no writes: its disk or its memory is full."""


class LedgerFault(HallError):
    """The ledger could not be written or read (disk full, database away): nothing was acknowledged, the same command may
    be asked again under the same id."""
