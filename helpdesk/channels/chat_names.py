"""How the chats of other systems are called: as channels of messages, and as receivers of replies."""

CHATWOOT_CHANNEL, SLACK_CHANNEL, TEAMS_CHANNEL, MATTERMOST_CHANNEL = "chatwoot", "slack", "teams", "mattermost"
PROVEN_CHANNELS = frozenset(  # by signature or secret
    {CHATWOOT_CHANNEL, SLACK_CHANNEL, TEAMS_CHANNEL, MATTERMOST_CHANNEL}
)
CHATWOOT_REPLY, SLACK_REPLY = "chatwoot reply", "slack reply"
