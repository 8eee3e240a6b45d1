"""A keeper without its process: what it needs of one, and running it until it has caught up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from dispatch.evaluation.keeper import Keeper
from hall.core.clock import CityClock
from hall.core.config import HallConfig


def keeper_of(home: Path, city: HallConfig, database: str = "", clock: CityClock | None = None) -> Keeper:
    settings = SimpleNamespace(data_dir=home, database_url=database or f"sqlite:///{home / 'ledger.db'}")
    return Keeper(SimpleNamespace(config=city, settings=settings, clock=clock or CityClock(), counters={}))


def catch_up(keeper: Keeper) -> None:
    while keeper.step():
        pass


def kept_up(home: Path, city: HallConfig) -> None:
    """Makes the evaluation of whatever casebook and ledger are there."""
    keeper = keeper_of(home, city)
    catch_up(keeper)
    keeper.close()
