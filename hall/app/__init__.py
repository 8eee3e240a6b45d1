"""The web process: pages, API, sign-in. `serve` is its entry; everything else is found through the assembly."""

from __future__ import annotations

from hall.core.process import Process


async def serve(process: Process) -> None:
    """Runs the web process; heavy modules are imported here, not when the package is."""
    from hall.app.server import serve as run

    await run(process)


async def one_time_link(process: Process) -> str:
    """Address that signs one browser in once, within an hour, as the demo's supervisor."""
    from hall.app.signin import one_time_link as make

    return await make(process)
