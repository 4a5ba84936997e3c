"""The figures for people, for scripts and as a picture."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import exports, writes
from bench.rounds import Samples, median_seconds, median_server_seconds

AIMS = {exports.AS_OF: 1.10, exports.QUOTING: 1.15}
MOST_SLOWER_WRITE = 2.0


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A variant of the export beside the plain statement; ``server`` is processor time."""

    name: str
    seconds: float
    ratio: float
    server_seconds: float
    server_ratio: float
    bytes: int
    aim: float | None


@dataclass(frozen=True, slots=True)
class WriteRow:
    """A host's single-row write with versioning off and on, in microseconds."""

    operation: str
    kind: str
    plain: float
    versioned: float
    ratio: float
    server_plain: float
    server_versioned: float
    server_ratio: float


def export_rows(samples: Samples) -> list[ExportRow]:
    """Return medians and ratios of medians."""
    plain = samples[exports.PLAIN_NAME]
    return [
        ExportRow(
            name=name.strip(),
            seconds=median_seconds(runs),
            ratio=median_seconds(runs) / median_seconds(plain),
            server_seconds=median_server_seconds(runs),
            server_ratio=median_server_seconds(runs) / median_server_seconds(plain),
            bytes=runs[0].result,
            aim=AIMS.get(name),
        )
        for name, runs in samples.items()
    ]


def write_rows(samples: Samples) -> list[WriteRow]:
    """Return medians per write and their ratios."""
    return [_write_row(samples, operation, kind) for kind in writes.KINDS for operation in writes.OPERATIONS]


def _write_row(samples: Samples, operation: str, kind: str) -> WriteRow:
    off, on = (samples[writes.variant_name(operation, kind, versioned=versioned)] for versioned in (False, True))
    micros = 1e6 / off[0].result
    plain, versioned = median_seconds(off) * micros, median_seconds(on) * micros
    server_plain, server_versioned = median_server_seconds(off) * micros, median_server_seconds(on) * micros
    return WriteRow(
        operation,
        kind,
        plain,
        versioned,
        versioned / plain,
        server_plain,
        server_versioned,
        server_versioned / server_plain,
    )


def show(console: Console, exported: Sequence[ExportRow], written: Sequence[WriteRow]) -> None:
    """Print both tables."""
    table = Table(
        "an export as COPY", "MB", "seconds", "÷ plain", "server CPU s", "÷ plain", "aim", title_justify="left"
    )
    for row in exported:
        aim = f"≤ {row.aim:.2f}" if row.aim else ""
        table.add_row(
            row.name,
            f"{row.bytes / 1e6:.0f}",
            f"{row.seconds:.2f}",
            f"{row.ratio:.2f}",
            f"{row.server_seconds:.2f}",
            f"{row.server_ratio:.2f}",
            aim,
        )
    console.print(table)
    headings = ("one row", "in one", "plain µs", "versioned µs", "ratio", "CPU plain", "CPU versioned", "ratio", "aim")
    table = Table(*headings)
    for change in written:
        aim = f"≤ {MOST_SLOWER_WRITE:.2f}" if change.operation == "UPDATE" else ""
        times = (f"{change.plain:.1f}", f"{change.versioned:.1f}", f"{change.ratio:.2f}")
        server = (f"{change.server_plain:.1f}", f"{change.server_versioned:.1f}", f"{change.server_ratio:.2f}")
        table.add_row(change.operation, change.kind, *times, *server, aim)
    console.print(table)


def write_results(
    directory: Path, about: Mapping[str, Any], exported: Sequence[ExportRow], written: Sequence[WriteRow], raw: Samples
) -> Path:
    """Write everything as JSON, and the chart beside it; return the JSON's path."""
    directory.mkdir(parents=True, exist_ok=True)
    samples = {
        name: [[round(run.seconds, 4), round(run.server_seconds, 2)] for run in runs] for name, runs in raw.items()
    }
    results = {
        **about,
        "exports": [_rounded(row) for row in exported],
        "writes": [_rounded(row) for row in written],
        "samples: seconds, server CPU seconds": samples,
    }
    path = directory / "statements.json"
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (directory / "statements.svg").write_text(chart(exported), encoding="utf-8")
    return path


def _rounded(row: ExportRow | WriteRow) -> dict[str, Any]:
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(row).items()}


def chart(rows: Iterable[ExportRow]) -> str:
    """Return the export's ratios as a bar chart, SVG."""
    bars = "".join(
        f'<text x="290" y="{y + 14}" text-anchor="end">{row.name}</text>'
        f'<rect x="300" y="{y}" width="{row.ratio * 250:.0f}" height="18" fill="#4a7fb5"/>'
        f'<text x="{305 + row.ratio * 250:.0f}" y="{y + 14}">{row.ratio:.2f}</text>'
        for y, row in zip(range(40, 1000, 28), rows, strict=False)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="700" height="220" font-family="sans-serif" font-size="13">\n'
        '<rect width="700" height="220" fill="white"/>\n'
        f'<text x="10" y="22" font-weight="bold">Time of an export, as a multiple of the plain statement</text>{bars}\n'
        "</svg>\n"
    )
