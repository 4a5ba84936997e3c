"""The command `stack`."""

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from local_stack.background import bring_up, take_down
from local_stack.environment import HOST_SCHEMA, read_environment
from local_stack.errors import StackError
from local_stack.logs import show_logs
from local_stack.product import load_helpdesk, product
from local_stack.proof.story import Story
from local_stack.reports import Reporter
from local_stack.seed import seed_tickets
from local_stack.servers import fetch
from local_stack.state import State, read_state
from local_stack.status import status_table
from local_stack.steps import Terminal
from local_stack.supervisor import Supervisor
from local_stack.tokens import token as bearer_token

app = typer.Typer(
    name="stack",
    help="The development stack: real servers as child processes, no containers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True, highlight=False, soft_wrap=True)

Directory = Annotated[
    Path, typer.Option("--directory", envvar="STACK_DIRECTORY", help="Where data, logs and stack.env are.")
]
Workers = Annotated[int, typer.Option(min=0, max=16, help="How many export-workers.")]
S3 = Annotated[str | None, typer.Option(envvar="STACK_S3", help="minio or s3proxy; whichever is at hand by default.")]
DEFAULT_DIRECTORY = Path(".local")


@app.command("run")
def run_stack(
    directory: Directory = DEFAULT_DIRECTORY,
    workers: Workers = 1,
    s3: S3 = None,
    report_to: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the stack in the foreground until Ctrl-C."""
    directory = _made(directory)
    plan = product(workers, s3)
    with _errors():
        if report_to is not None:
            reporter = Reporter(report_to)
            raise typer.Exit(Supervisor(directory, plan, workers, reporter, reporter.tell).run(reporter.ready))
        with Terminal(console) as terminal:
            raise typer.Exit(Supervisor(directory, plan, workers, terminal, _tell).run(lambda: _welcome(directory)))


@app.command("fetch")
def fetch_servers(s3: S3 = None) -> None:
    """Download or build the servers once, into the user's cache."""
    with _errors(), Terminal(console) as terminal:
        fetch(s3, terminal)


@app.command()
def up(directory: Directory = DEFAULT_DIRECTORY, workers: Workers = 1, s3: S3 = None) -> None:
    """Start the stack in the background; return when everything is ready."""
    directory = _made(directory)
    with _errors():
        state = read_state(directory)
        if state and _is_broken(state):
            _end_broken(state, directory)
        elif state:
            raise typer.Exit(_already_runs(state, workers, directory))
        argv = [sys.executable, "-m", "local_stack.main", "run", "--directory", str(directory)]
        options = [f"--workers={workers}", *([f"--s3={s3}"] if s3 else [])]
        with Terminal(console) as terminal:
            bring_up(directory, [*argv, *options], terminal)
        _welcome(directory)


@app.command()
def down(
    directory: Directory = DEFAULT_DIRECTORY,
    delete: Annotated[bool, typer.Option("--delete", help="Delete data and logs too; keep exported files.")] = False,
) -> None:
    """Stop the stack, or what a killed one left behind."""
    with _errors(), console.status("stopping"):
        ran = take_down(directory.resolve(), delete=delete)
    console.print("stopped" if ran else "nothing was running")


@app.command()
def status(directory: Directory = DEFAULT_DIRECTORY) -> None:
    """Show what runs and where it logs; exit code 1 unless everything runs."""
    with _errors():
        state = read_state(directory.resolve())
        if state is None:
            console.print(f"no stack runs in {escape(str(directory.resolve()))}")
            raise typer.Exit(1)
        Console(highlight=False).print(status_table(state))
        raise typer.Exit(0 if state.complete else 1)


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="One log only, e.g. kafka.")] = None,
    directory: Directory = DEFAULT_DIRECTORY,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Show the last lines of the logs."""
    with _errors():
        show_logs(directory.resolve(), name, output=sys.stdout, follow=follow)


@app.command()
def token(
    user: Annotated[str, typer.Argument(help="ada, bob, cara or dan.")], directory: Directory = DEFAULT_DIRECTORY
) -> None:
    """Print a bearer token for a demo user, good for an hour."""
    with _errors():
        environment = read_environment(directory.resolve())
        sys.stdout.write(bearer_token(user, Path(environment["DEMO_SIGNING_KEY_FILE"])) + "\n")


@app.command()
def seed(
    tickets: Annotated[int, typer.Option(min=1, max=100_000_000, help="How many tickets to add.")],
    number: Annotated[int, typer.Option(help="Another number, other tickets.")] = 1,
    directory: Directory = DEFAULT_DIRECTORY,
) -> None:
    """Add synthetic tickets, with all that belongs to them, to the running stack's helpdesk."""
    with _errors():
        url = read_environment(directory.resolve())["ADMIN_DATABASE_URL"]
        with Terminal(console) as terminal:
            asyncio.run(seed_tickets(url, schema=HOST_SCHEMA, tickets=tickets, number=number, steps=terminal))


@app.command()
def demo(
    directory: Directory = DEFAULT_DIRECTORY,
    workers: Workers = 1,
    s3: S3 = None,
    once: Annotated[bool, typer.Option("--once", help="End everything after the export.")] = False,
) -> None:
    """Export real tickets while they change, prove that the file is exact, and leave the site up until Ctrl-C."""
    directory = _made(directory)
    output = Console(highlight=False, soft_wrap=True)
    with _errors():
        state = read_state(directory)
        if state:
            raise typer.Exit(_demonstrate_on_running(state, directory, output))
        with Terminal(output) as terminal:

            def work() -> int | None:
                terminal.stop()
                good = asyncio.run(Story(read_environment(directory), directory, output).tell())
                if once or not good:
                    return int(not good)
                _show_site(directory, output)
                output.print("Ctrl-C ends everything.")
                return None

            raise typer.Exit(Supervisor(directory, product(workers, s3), workers, terminal, _tell).run(_nothing, work))


def _demonstrate_on_running(state: State, directory: Path, output: Console) -> int:
    if state.phase != "running":
        raise StackError(f"the stack is {state.phase} already")
    if _is_broken(state):
        raise StackError(f"the stack runs, but a part of it has died ({state.dead}); `make down` first")
    environment = read_environment(directory)
    asyncio.run(load_helpdesk(environment))
    good = asyncio.run(Story(environment, directory, output).tell())
    _show_site(directory, output)
    return int(not good)


def _show_site(directory: Path, output: Console) -> None:
    url = read_environment(directory)["API_URL"]
    output.print(f"\nThe site: [bold]{url}/staff/tickets[/]. Sign in as ada, who may export and download,")
    output.print("or as bob, cara or dan, each of whom lacks a right.")


def _nothing() -> None:
    pass


def _is_broken(state: State) -> bool:
    """Whether it runs, but something in it has died: no stack to work with, and none to leave standing."""
    return state.phase == "running" and not state.complete


def _end_broken(state: State, directory: Path) -> None:
    console.print(f"a part of the stack has died ({escape(state.dead)}); starting it anew")
    take_down(directory, delete=False)


def _already_runs(state: State, workers: int, directory: Path) -> int:
    if state.phase != "running":
        console.print(f"the stack is {state.phase} already")
        return 1
    if state.workers == workers:
        console.print("the stack runs already")
        _welcome(directory)
        return 0
    console.print(f"the stack runs already, with WORKERS={state.workers}; for WORKERS={workers}, `make down` first")
    return 1


def _welcome(directory: Path) -> None:
    environment = read_environment(directory)
    console.print(f"[bold]{environment['API_URL']}[/] is up; settings in {escape(str(directory / 'stack.env'))}")
    stack = escape(sys.argv[0])
    console.print(
        f"a token: [bold]{stack} token ada[/] · what runs: [bold]{stack} status[/] · stop: [bold]{stack} down[/]"
    )


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory.resolve()


def _tell(message: str) -> None:
    console.print(message, markup=False)


@contextmanager
def _errors() -> Iterator[None]:
    """Show what the person at the terminal can do something about as one message, with exit code 1."""
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        yield
    except StackError as exc:
        console.print(str(exc), style="red", markup=False)
        raise typer.Exit(1) from exc
    except KeyboardInterrupt as exc:
        raise typer.Exit(130) from exc


def run() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    run()
