"""Settings that are secrets, several of them while one is replaced by another."""

import base64

from pydantic import SecretStr


def each(secrets: SecretStr | None) -> tuple[str, ...]:
    """The secrets of a comma-separated setting, none when it is not set."""
    given = secrets.get_secret_value() if secrets else ""
    return tuple(part.strip() for part in given.split(",") if part.strip())


def check_signing_key(secret: SecretStr) -> SecretStr:
    """A key for Standard Webhooks. Raises ValueError."""
    try:
        key = base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if len(key) < 24:
        raise ValueError("expected base64 of at least 24 bytes, e.g. from `openssl rand -base64 32`")
    return secret
