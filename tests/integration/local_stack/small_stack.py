"""A stack of PostgreSQL and services of the simplest kind, run as a script: `small_stack.py run …`."""

import argparse
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rich.console import Console

from local_stack.downloads.postgres import postgres_files
from local_stack.environment import write_environment
from local_stack.ports import PortBook
from local_stack.reports import Reporter
from local_stack.servers.postgres import Postgres
from local_stack.servers.service import Service, ServiceSpec
from local_stack.stack import Plan, Stack
from local_stack.steps import Terminal
from local_stack.supervisor import Supervisor


def plan_of(services: list[str]) -> Plan:
    def bring_up(stack: Stack, ports: PortBook) -> None:
        files = postgres_files(stack.steps)
        stack.start_together(Postgres(stack.directory, ports, durable=True, files=files, password="secret"))
        stack.run_errand("errand", ["sleep", "60" if "slow-errand" in services else "0"], {})
        specs = [
            ServiceSpec(kind, (sys.executable, __file__, "serve", kind), "PORT", {}, stop_timeout_seconds=1)
            for kind in services
        ]
        stack.start_together(*(Service(stack.directory, ports, spec) for spec in specs))
        write_environment(stack.directory, {"API_URL": "none"})

    return bring_up


def run(directory: Path, services: list[str], report_to: int | None) -> int:
    plan = plan_of(services)
    if report_to is not None:
        reporter = Reporter(report_to)
        return Supervisor(directory, plan, 1, reporter, reporter.tell).run(reporter.ready)
    console = Console()
    with Terminal(console) as terminal:
        return Supervisor(directory, plan, 1, terminal, console.print).run(lambda: console.print("ready"))


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


class Brief(Ready):
    def do_GET(self) -> None:
        super().do_GET()
        threading.Timer(0.2, os._exit, (3,)).start()


def serve(kind: str) -> None:
    if kind == "broken":
        sys.exit("it was never meant to work")
    if kind == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if kind == "never-ready":
        signal.pause()
    handler = Brief if kind == "brief" else Ready
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), handler).serve_forever()


def main() -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("directory", type=Path)
    runner.add_argument("services", nargs="*")
    runner.add_argument("--report-to", type=int)
    commands.add_parser("serve").add_argument("kind")
    arguments = parser.parse_args()
    if arguments.command == "serve":
        serve(arguments.kind)
        return 0
    return run(arguments.directory, arguments.services, arguments.report_to)


if __name__ == "__main__":
    sys.exit(main())
