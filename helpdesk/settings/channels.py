"""Chats of other systems whose messages are answered. Each door is closed until its setting is set."""

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from helpdesk.settings.addresses import check_web_address
from helpdesk.settings.receivers import require
from helpdesk.settings.secrets import check_signing_key, each


class ChannelSettings(BaseSettings, defer_build=True):
    """Chatwoot, Slack, Mattermost, Teams, Deep Chat."""

    chatwoot_token: SecretStr | None = Field(None, description="Access token of the agent bot in Chatwoot")
    chatwoot_lookup_token: SecretStr | None = Field(
        None,
        description="Access token of an agent, to look whether a reply is there already before it is sent again",
    )
    chatwoot_secret: SecretStr | None = Field(
        None, description="Comma-separated secrets of which one signs what Chatwoot (from 4.13 on) sends"
    )
    chatwoot_url_secret: SecretStr | None = Field(
        None, description="Comma-separated secrets of which one is `?secret=` in the bot's address, for older Chatwoot"
    )
    chatwoot_url: str | None = Field(None, description="Address of Chatwoot, whose agent bot this is; empty: none")
    slack_token: SecretStr | None = Field(None, description="Bot token of the Slack app (`xoxb-...`)")
    slack_url: str = Field("https://slack.com", description="Address of Slack")
    slack_signing_secret: SecretStr | None = Field(
        None, description="Comma-separated signing secrets of the Slack app whose events are answered; empty: none"
    )
    mattermost_token: SecretStr | None = Field(
        None, description="Comma-separated tokens of outgoing webhooks of Mattermost that are answered; empty: none"
    )
    teams_secret: SecretStr | None = Field(
        None,
        description="Comma-separated security tokens of outgoing webhooks of Microsoft Teams that are answered; empty: "
        "none",
    )
    deep_chat: bool = Field(False, description="Answer the Deep Chat widget at `/webhooks/deep-chat`")

    @property
    def answering_chats(self) -> tuple[str, ...]:
        """The chats that get their answer at once and are sent nothing by themselves."""
        switches = {"mattermost": self.mattermost_token, "teams": self.teams_secret, "deep-chat": self.deep_chat}
        return tuple(name for name, switch in switches.items() if switch)

    @field_validator("chatwoot_url", "slack_url")
    @classmethod
    def _is_reachable(cls, value: str | None) -> str | None:
        return None if value is None else check_web_address(value).rstrip("/")

    @field_validator("chatwoot_url")
    @classmethod
    def _is_whole_chatwoot(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            require(info.data, "chatwoot_token")
            if info.data.get("chatwoot_secret") is None and info.data.get("chatwoot_url_secret") is None:
                raise ValueError("needs HELPDESK_CHATWOOT_SECRET or HELPDESK_CHATWOOT_URL_SECRET too")
        return value

    @field_validator("teams_secret")
    @classmethod
    def _are_teams_secrets(cls, value: SecretStr | None) -> SecretStr | None:
        for secret in each(value):
            check_signing_key(SecretStr(secret))
        return value

    @field_validator("slack_signing_secret")
    @classmethod
    def _is_whole_slack(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None:
            require(info.data, "slack_token")
        return value
