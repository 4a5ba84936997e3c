"""What kinds of cells there are; the kind decides how a cell is written, never its content."""

from enum import Enum, auto


class CellType(Enum):
    """The kind of a column's values.

    ``TOKEN`` is text of a form of our own (ids, counts), ``TIMESTAMP`` an instant (timestamptz), ``DATE`` a day of the
    calendar, the same in every zone. Only ``TEXT`` can hold a formula.
    """

    TEXT = auto()
    TOKEN = auto()
    NUMBER = auto()
    TIMESTAMP = auto()
    DATE = auto()
    BOOLEAN = auto()
