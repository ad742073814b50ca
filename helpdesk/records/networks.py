"""Whose an address is."""

from ipaddress import ip_address, ip_network


def network_of(address: str) -> str:
    """Of IPv6 the /64 network, since one customer has all of it; IPv4 and what is no address stay as they are."""
    try:
        found = ip_address(address.split("%")[0])
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(ip_network((found, 64), strict=False))


def is_this_machine(address: str) -> bool:
    """Whether it is a loopback address."""
    try:
        return ip_address(address.split("%")[0]).is_loopback
    except ValueError:
        return False
