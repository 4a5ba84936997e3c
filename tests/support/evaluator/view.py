"""One payload being judged: the rows, the instant of the request, the zone and the custom fields' definitions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from support.evaluator.custom import type_of, value_of
from support.evaluator.helpdesk import Helpdesk, Row
from support.evaluator.strings import Strings

CUSTOM = "custom."
DEFAULT_COLUMNS = [
    "id",
    "title",
    "status",
    "priority",
    "assignee_name",
    "contact_id",
    "sla_due_at",
    "creation_time",
]


@dataclass(frozen=True)
class View:
    """Members that a payload leaves out have the values that docs/view-language.md gives."""

    desk: Helpdesk
    strings: Strings
    payload: Mapping[str, Any]
    requested_at: datetime

    @property
    def zone_name(self) -> str:
        """The name of the view's time zone."""
        return str(self.payload.get("time_zone") or "UTC")

    @property
    def zone(self) -> ZoneInfo:
        """The view's time zone."""
        return ZoneInfo(self.zone_name)

    @property
    def columns(self) -> list[str]:
        """The selected columns, in order."""
        return list(self.payload.get("columns") or DEFAULT_COLUMNS)

    @property
    def for_spreadsheets(self) -> bool:
        """Whether the profile is the one for people."""
        return bool(self.payload.get("profile", "spreadsheet") == "spreadsheet")

    def custom_definition(self, name: str) -> Row:
        """What the payload says of a column, field or sort ``custom.KEY``."""
        definition: Row = self.payload["custom_fields"][name.removeprefix(CUSTOM)]
        return definition

    def custom_type(self, name: str) -> str:
        """The type of ``custom.KEY``."""
        return type_of(self.custom_definition(name))

    def custom_value(self, ticket: Row, name: str) -> Any:
        """A ticket's value of ``custom.KEY``."""
        return value_of(ticket, name.removeprefix(CUSTOM), self.custom_type(name))
