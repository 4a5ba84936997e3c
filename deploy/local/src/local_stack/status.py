"""What runs, as a table."""

import os

from rich.table import Table

from local_stack.state import State


def status_table(state: State) -> Table:
    """One line for each server and service."""
    table = Table(title=f"stack {state.phase} · supervisor {state.supervisor.pid}")
    for heading in ("name", "state", "pid", "port", "log"):
        table.add_column(heading, overflow="fold")
    for part in state.parts:
        color = "green" if part.exit_code is None else "red"
        table.add_row(part.name, f"[{color}]{part.text}[/]", str(part.pid), str(part.port), os.path.relpath(part.log))
    return table
