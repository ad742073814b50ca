"""Requests to servers of this machine, each on a connection of its own so that any worker may answer; without reading
all certificates of the machine for every one, which takes ten times as long as the request."""

import ssl
from functools import partial

import httpx2 as httpx

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
get = partial(httpx.get, verify=NO_CERTIFICATES)
post = partial(httpx.post, verify=NO_CERTIFICATES)
