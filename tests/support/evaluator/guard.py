"""The formula guard of the spreadsheet profile, for cells of text."""

import re

STARTS = tuple("=+-@\t\r\n＝＋－＠")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_PHONE = re.compile(r"\+[0-9]{7,15}")


def guarded(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet might take it for a formula."""
    if not text.startswith(STARTS) or _NUMBER.fullmatch(text) or _PHONE.fullmatch(text):
        return text
    return "'" + text
