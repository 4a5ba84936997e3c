"""What kinds of cells there are; the kind decides how a cell is written, never its content."""

from enum import Enum, auto


class CellType(Enum):
    """The kind of a column's values.

    ``TIMESTAMP`` is an instant (timestamptz), ``DATE`` a day of the calendar, the same in every zone. Only ``TEXT``
    can hold a formula.
    """

    TEXT = auto()
    NUMBER = auto()
    TIMESTAMP = auto()
    DATE = auto()
    BOOLEAN = auto()
