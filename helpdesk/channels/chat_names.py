"""How the chats are called that replies are posted to: as channels of messages, and as receivers of replies."""

CHATWOOT_CHANNEL, SLACK_CHANNEL = "chatwoot", "slack"
CHATWOOT_REPLY, SLACK_REPLY = "chatwoot reply", "slack reply"
