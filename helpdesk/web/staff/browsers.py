"""What a browser calls itself, in words that its user knows."""

BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def browser_name(user_agent: str) -> str:
    """`Firefox on Linux`; what is not known stays as it is, 60 characters of it.

    Browsers name those that they want to be taken for too, so the order counts: Edge says Chrome, Chrome says Safari.
    """
    browser = next((name for sign, name in BROWSERS.items() if sign in user_agent), None)
    system = next((name for sign, name in SYSTEMS.items() if sign in user_agent), None)
    if browser is None:
        return user_agent[:60] or "unknown"
    return browser if system is None else f"{browser} on {system}"
