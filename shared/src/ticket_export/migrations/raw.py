"""Revisions are plain SQL files, run as they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sqlalchemy import AdaptedConnection, Connection


@dataclass(frozen=True, slots=True)
class Target:
    """The open transaction of an upgrade and the quoted name of its schema."""

    connection: Connection
    quoted_schema: str

    def run_sql_beside(self, module_file: str) -> None:
        """Run NNNN_name.sql, which stands beside NNNN_name.py.

        ``{schema}`` becomes the quoted schema name; no other brace is touched.
        """
        sql = Path(module_file).with_suffix(".sql").read_text(encoding="utf-8")
        sql = sql.replace("{schema}", self.quoted_schema)
        # The driver's own connection takes many statements in one call and doesn't read ':' or '%' as parameters.
        adapted = cast("AdaptedConnection", self.connection.connection.dbapi_connection)
        adapted.run_async(lambda driver: driver.execute(sql))
