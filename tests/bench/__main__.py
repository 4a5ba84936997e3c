"""`make bench`: measures, at the level of SQL statements, what exactness costs exports and what it costs the host."""

import asyncio
import os
import platform
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bench.desk import Desk, new_desk, running_postgres
from bench.exports import export_variants
from bench.report import export_rows, show, write_results, write_rows
from bench.rounds import Samples, measure
from bench.writes import write_variants
from local_stack.servers import PostgresAddress
from local_stack.steps import Terminal

RESULTS = Path(__file__).parent / "results"
MOST_TICKETS_FOR_WRITES = 100_000
# Of the tables, where nobody looks at a terminal.
WIDTH = 110


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    tickets: Annotated[int, typer.Option(min=1_000)] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    results: Annotated[Path, typer.Option(help="Where the figures are written.")] = RESULTS,
) -> None:
    """Measure on a PostgreSQL of its own; print medians and ratios, and write them down."""
    # Ended from outside it cleans up as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    errors = Console(stderr=True, highlight=False)
    output = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)
    try:
        with Terminal(errors) as terminal, running_postgres(terminal) as address:
            about, exports, writes = asyncio.run(_measure_all(address, tickets, rounds, terminal))
    except KeyboardInterrupt as exc:
        raise typer.Exit(130) from exc
    exported, written = export_rows(exports), write_rows(writes)
    show(output, exported, written)
    output.print(f"written to {write_results(results, about, exported, written, {**exports, **writes})}")


async def _measure_all(
    address: PostgresAddress, tickets: int, rounds: int, terminal: Terminal
) -> tuple[dict[str, Any], Samples, Samples]:
    load, began = os.getloadavg()[0], time.monotonic()
    desk = await new_desk(address, "exports_bench", tickets=tickets, versioned=True, steps=terminal)
    about = {
        **await _about(desk, tickets, rounds),
        "seconds to make and vacuum the helpdesk": round(time.monotonic() - began, 1),
        "load average at the beginning": round(load, 1),
    }
    with terminal.step("Exports") as step:
        async with export_variants(desk) as variants:
            exports = await measure(variants, rounds, step.tell)
    few = min(tickets, MOST_TICKETS_FOR_WRITES)
    desks = [
        await new_desk(address, f"writes_{versioned}".lower(), tickets=few, versioned=versioned, steps=terminal)
        for versioned in (False, True)
    ]
    with terminal.step("Writes") as step:
        async with write_variants(*desks) as variants:
            writes = await measure(variants, rounds, step.tell)
    return {**about, "and at the end": round(os.getloadavg()[0], 1)}, exports, writes


async def _about(desk: Desk, tickets: int, rounds: int) -> dict[str, Any]:
    owner = await desk.owner()
    try:
        # Nothing may start in the background while something is measured.
        await owner.execute("ALTER SYSTEM SET autovacuum = off")
        await owner.execute("SELECT pg_reload_conf()")
        version = await owner.fetchval("SHOW server_version")
    finally:
        await owner.close()
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "system": platform.system()}
    return {"tickets": tickets, "rounds": rounds, "postgresql": version, **machine}


if __name__ == "__main__":
    app()
