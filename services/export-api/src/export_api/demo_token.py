"""``python -m export_api.demo_token USER`` prints a bearer token of the demo."""

import sys

from export_api.auth.demo_key import DemoKeyError, load_or_create
from export_api.auth.demo_signer import DemoSigner
from export_api.settings import ApiSettings
from ticket_export.settings import SettingsError, load

USAGE_ERROR = 2


def main(arguments: list[str]) -> int:
    """Print the token of the person named; return the exit status."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m export_api.demo_token USER\n")
        return USAGE_ERROR
    try:
        token = demo_token(load(ApiSettings), arguments[0])
    except (SettingsError, DemoKeyError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    sys.stdout.write(f"{token}\n")
    return 0


def demo_token(settings: ApiSettings, username: str) -> str:
    """Return a token that names this person; raise SettingsError where there is no demo, DemoKeyError without a key."""
    if settings.auth_mode != "demo" or settings.demo_signing_key_file is None:
        raise SettingsError("AUTH_MODE: only demo makes tokens")
    key = load_or_create(settings.demo_signing_key_file)
    return DemoSigner(key, settings.issuer, settings.jwt_audience).token(username)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
