"""The values that random rows and random payloads are made of."""

from uuid import UUID

# Words that differ in case only, or only seem to; words that mean something to SQL, LIKE, CSV or a spreadsheet.
TEXTS = (
    "refund",
    "Refund",
    "REFUND request",
    "a refund, please",
    "Straße",
    "STRASSE",
    "strasse",
    "İstanbul",
    "istanbul",
    "ISTANBUL",
    "ısparta",
    "ΟΔΟΣ",
    "οδος",
    "οδοσ",
    "Ångström",
    "ångström",
    "A\u030angstro\u0308m",
    "é",
    "e\u0301",
    "ﬁle",
    "ǅ",
    "発注書",
    "🙂 smile",
    "100%",
    "100 percent",
    "snake_case",
    "snakeXcase",
    "back\\slash",
    "50%_\\",
    'say "hi"',
    "it's",
    "' OR 1=1 --",
    "$1 :x {0} %s",
    "",
    " ",
    "  padded  ",
    "\u00a0no-break",
    "\ufeffmarked",
    "=1+1",
    "+1-1",
    "-12.5",
    "+4930123456",
    "+49 30",
    "@cmd",
    "\t=1",
    "\r\nreturned",
    "line\nbreak",
    "＝full",
    "'=1+1",
    "a,b;c\td",
    "\\.",
    "\\N",
    "NULL",
    "null",
    "apple",
    "Apple",
    "zebra",
    "Zebra",
    "10",
    "9",
    "-5",
    "x" * 300,
    "\u2028separated",
    "\x07bell",
)
TAGS = ("billing", "Billing", "VIP", "vip-gold", "Straße", "a, b", "", "=tag", "100%", "snake_case", "it's", "ΟΔΟΣ")

# Types and names part on purpose: __CLOSED__ goes by the name, "closed" by the type.
STATUSES = {
    "new": ("New", "open", 1),
    "in_progress": ("In Bearbeitung", "open", 2),
    "waiting": ("=Waiting", "open", 2),
    "Closed": ("Closed?", "open", 3),
    "resolved": ("Gelöst", "open", 4),
    "done": ("Erledigt ß", "closed", 5),
    "closed": ("Closed", "closed", 5),
}
STATUS_WITHOUT_ROW = "void"
PRIORITIES = {"low": ("Niedrig", 1), "normal": ("Normal", 2), "moderate": ("-Mäßig", 2), "high": ("Hoch", 3)}
PRIORITIES["urgent"] = ("İVEDİ", 10)
PRIORITY_WITHOUT_ROW = "gone"
LANGUAGES = {"en": "English", "de": "Deutsch", "EN": "@English", "tr": "Türkçe"}
LANGUAGE_WITHOUT_ROW = "xx"
SLA_STATUSES = ("on_track", "approaching_breach", "breached", "completed")

TEAMS = [UUID(int=0xF400 + 0x1000_0000_0000 * number) for number in range(6)]
TEAM_NAMES = ("Ärzte", "apple", "Apple", " zebra ", "+Team-1", "発注")
STAFF = [UUID(int=0xA100 + 0x0100_0000_0000_0000 * (number * 7 % 11)) for number in range(9)]
CONTACTS = [7, 70, 700, 1007, *range(100001, 100061), 9_007_199_254_740_993]
TICKETS = [1, 2, 10, 21, 100, 101, 210, *range(100001, 100165), 9_007_199_254_740_993, 9_007_199_254_740_994]

# Key, label, type.
CUSTOM_FIELDS = (
    ("location", "Location", "text"),
    ("cost", "Cost", "number"),
    ("due", "Due", "date"),
    ("vip", "VIP", "boolean"),
    ("region", "=Region", "select"),
    ("memo", 'Memo, "long"; \\', "essay"),
    ("o'dd \"%_\\ $1", "' OR 1=1 --", "text"),
    ("a.b", "Ä.b", "number"),
)
CUSTOM_TYPES = ("text", "number", "date", "boolean", "select", "essay")

# JSON, of the type of some field, nearly of it, and not of it.
CUSTOM_VALUES: dict[str, tuple[str, ...]] = {
    "number": ("0", "1.50", "1.5", "-12.5", "100", "1e3", "12345678901234567890.123", '"12"', '""', "9.99", "-0.0"),
    "date": (
        '"2024-03-31"',
        '"2024-03-30"',
        '"2024-04-01"',
        '"2024-02-29"',
        '"2023-02-29"',
        '"2024-2-9"',
        '"2024-03-31T00:00:00Z"',
        '"2024-03-31 "',
        '"0001-01-01"',
        '"9999-12-31"',
        '"0000-01-01"',
        '"10000-01-01"',
        '"infinity"',
        '"today"',
        '"２０２４-03-31"',
        '"2024-03-31 BC"',
        '"2024-03-31\\n"',
        '"2024-13-01"',
        "20240331",
    ),
    "boolean": ("true", "false", "true", "false", '"true"', "1", '"yes"'),
    "select": ('"north"', '"North"', '"NORTH"', '""', "5", "5.0", '["north"]', '"Straße"', '"south"', '"true"'),
    "any": ("null", "[]", "{}", '{"a": 1}', "true", "0", '" "', '[1, "x"]'),
}

# Texts that would end a literal, a pattern or a template if they were pasted into one.
AWKWARD = (
    "'",
    "''",
    '"',
    "\\",
    "\\'",
    "';DROP TABLE helpdesk.tickets;--",
    "' OR ''='",
    "$1",
    "$$",
    "$x$ OR true $x$",
    "%",
    "_",
    "%s",
    "{x}",
    "{0}",
    "{",
    "}}",
    ":name",
    "--",
    "/*",
    "E'\\x27'",
    "U&'\\0027'",
    "\n",
    "\t",
    "\x01",
    "\x7f",
    "?",
    "NULL",
    "true",
    "\u2019",
    "\uff07",
    "\ufeff",
    "\U0001f642",
)
