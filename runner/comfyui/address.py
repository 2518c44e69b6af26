"""Where a ComfyUI is reached, and how long it may be silent. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

DEFAULT_PORT = 8188  # of a ComfyUI that is started without one
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
PATIENCE_S = 60.0
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AddressError(ValueError):
    """A text is not the address of a server. The message holds no password."""


@dataclass(frozen=True)
class Address:
    """Where a server is, and who asks it. url: without user and password, so that no message can tell them."""

    url: str
    login: tuple[str, str] | None = None


def full_url(text: str) -> str:
    """The address of a server as the user writes it, such as `192.168.1.5:8188`, as a URL."""
    return (text if "://" in text else f"http://{text}").rstrip("/")


def read_address(text: str) -> Address:
    """The address that a text says, as `http://user:password@host:8188` may.

    Raises:
        AddressError: it says none.
    """
    shown = text.rpartition("@")[2]  # what stands before may be a password
    fault = f"'{shown}' is not the address of a server. Write for example 192.168.1.5:8188."
    try:
        parts = urlsplit(full_url(text))
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressError(fault) from None
    if parts.scheme not in _DEFAULT_PORTS or not host or any(sign.isspace() for sign in text.strip()) or port == 0:
        raise AddressError(fault)
    if parts.query or parts.fragment:
        raise AddressError(f"the address of {host} has a ? or #. Write it without that and what follows.")
    url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    if parts.username is None:
        return Address(url)
    return Address(url, (unquote(parts.username), unquote(parts.password or "")))


def origin(url: str) -> str:
    """Scheme, host and port of a URL: the server that it leads to.

    Raises:
        AddressError: it is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise AddressError("this is not the address of a server") from error
    return f"{parts.scheme}://{parts.hostname}:{port}"
