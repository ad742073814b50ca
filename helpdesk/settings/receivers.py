"""Where cases are sent: mail, webhook, ticket systems."""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode

from helpdesk.settings.addresses import check_mail_address, check_web_address
from helpdesk.settings.lists import listed
from helpdesk.settings.secrets import check_signing_key


class ReceiverSettings(BaseSettings, defer_build=True):
    """One address a kind of receiver, which switches it on, after what it needs."""

    public_url: str | None = Field(
        None,
        description="Address of this service as people reach it, for links in cases, e.g. `https://help.example.com`",
    )
    smtp_host: str | None = Field(None, description="Mail server that cases are sent through")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server; with `tls` usually 465")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`starttls`, `tls` from the first byte on, or `none` for a server on this machine"
    )
    smtp_user: str | None = Field(None, description="Login at the mail server; empty: none")
    smtp_password: SecretStr | None = Field(None, description="Password of that login")
    mail_from: str | None = Field(None, description="Sender of the mails")
    mail_to: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Comma-separated addresses that get a mail for each case; empty: none"
    )
    handover_webhook_secret: SecretStr | None = Field(
        None, description="Signs the webhook (Standard Webhooks): base64 of at least 24 bytes"
    )
    handover_webhook_url: SecretStr | None = Field(
        None, description="Address that gets a POST for each case; empty: none"
    )
    zammad_token: SecretStr | None = Field(
        None, description="Access token of Zammad with the permission `ticket.agent`"
    )
    zammad_customer: str | None = Field(None, description="Mail address of the customer that tickets are opened for")
    zammad_group: str = Field("Users", description="Group in Zammad that gets the tickets")
    zammad_url: str | None = Field(
        None, description="Address of Zammad, which gets a ticket for each case; empty: none"
    )
    freescout_key: SecretStr | None = Field(None, description="API key of FreeScout (module API & Webhooks)")
    freescout_mailbox: int | None = Field(None, ge=1, description="Number of the mailbox that gets the conversations")
    freescout_customer: str | None = Field(
        None, description="Mail address of the customer that conversations are opened for"
    )
    freescout_url: str | None = Field(
        None, description="Address of FreeScout, which gets a conversation for each case; empty: none"
    )
    delivery_attempts: int = Field(
        12, ge=1, le=100, description="How often a case is tried to be sent before it is given up"
    )

    @field_validator("mail_to", mode="before")
    @classmethod
    def _mail_list(cls, value: object) -> object:
        return () if value is None else listed(value)

    @field_validator("public_url", "zammad_url", "freescout_url")
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        return None if value is None else check_web_address(value).rstrip("/")

    @field_validator("mail_from", "zammad_customer", "freescout_customer")
    @classmethod
    def _is_mail_address(cls, value: str | None) -> str | None:
        return None if value is None else check_mail_address(value)

    @field_validator("mail_to")
    @classmethod
    def _can_be_mailed(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for address in value:
            check_mail_address(address)
        if value:
            require(info.data, "smtp_host", "mail_from")
            login = (info.data.get("smtp_user"), info.data.get("smtp_password"))
            if (login[0] is None) != (login[1] is None):
                raise ValueError("needs both HELPDESK_SMTP_USER and HELPDESK_SMTP_PASSWORD, or neither")
            if login[0] and info.data.get("smtp_security") == "none":
                raise ValueError("sends no password in the clear; set HELPDESK_SMTP_SECURITY to starttls or tls")
        return value

    @field_validator("handover_webhook_secret")
    @classmethod
    def _is_webhook_key(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else check_signing_key(value)

    @field_validator("handover_webhook_url")
    @classmethod
    def _is_signed_webhook(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None:
            check_web_address(value.get_secret_value())
            require(info.data, "handover_webhook_secret")
        return value

    @field_validator("zammad_url")
    @classmethod
    def _is_whole_zammad(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            require(info.data, "zammad_token", "zammad_customer")
        return value

    @field_validator("freescout_url")
    @classmethod
    def _is_whole_freescout(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            require(info.data, "freescout_key", "freescout_mailbox", "freescout_customer")
        return value

    @property
    def receivers(self) -> tuple[str, ...]:
        """The receivers that every case is sent to, whatever channel it came from."""
        switches = {
            "email": self.mail_to,
            "webhook": self.handover_webhook_url,
            "zammad": self.zammad_url,
            "freescout": self.freescout_url,
        }
        return tuple(name for name, switch in switches.items() if switch)


def require(given: dict[str, Any], *names: str) -> None:
    """Raise ValueError that names each setting that is missing or bad."""
    missing = [f"HELPDESK_{name.upper()}" for name in names if given.get(name) is None]
    if missing:
        raise ValueError(f"needs a good {' and '.join(missing)} too")
