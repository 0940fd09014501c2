"""Where the console listens, and the token without which it listens to this machine only."""

from __future__ import annotations

import errno
import ipaddress
import socket
from pathlib import Path

from ovseg_ros.errors import OvsegError

LEAST_TOKEN_CHARS = 16
_HOW_TO_MAKE_ONE = "python3 -c 'import secrets; print(secrets.token_urlsafe())' > token"


class AddressError(OvsegError):
    """The console cannot, or must not, listen where it was told to."""


def read_token(text: str, file: Path | None) -> str:
    """Return the token in `text` or on the first line of `file`; empty where there is neither.

    Raises `AddressError` where the file cannot be read and for a token that could be guessed.
    """
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8").strip().partition("\n")[0]
        except (OSError, ValueError) as error:
            raise AddressError(f"the token file {file} cannot be read: {error}") from None
    elif not text:
        return ""
    if len(text) < LEAST_TOKEN_CHARS or not text.isascii() or not text.isprintable():
        raise AddressError(
            f"the token has {len(text)} characters; at least {LEAST_TOKEN_CHARS} of plain ASCII "
            f"were wanted; make one with  {_HOW_TO_MAKE_ONE}"
        )
    return text


def listen(host: str, port: int, token: str) -> socket.socket:
    """Return a socket that listens on `host`; port 0 takes any that is free.

    Raises `AddressError` where other machines could reach it without a token, where the port is in
    use, and where the address is none of this machine.
    """
    family, address = _resolve(host, port)
    if not token and not is_loopback(address[0]):
        raise AddressError(
            f"{host} can be reached from other machines, so the page needs a token: add "
            f"--token-file FILE (make one with  {_HOW_TO_MAKE_ONE} ), or leave out --host"
        )
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise AddressError(_explained(host, port, error)) from None
    return listener


def is_loopback(host: str) -> bool:
    """Say whether only this machine itself reaches the numeric address `host`, or `localhost`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def url_of(listener: socket.socket) -> str:
    """Return what to type into a browser."""
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise AddressError(
            f"--host {ascii(host)} is no address: {error}; give one such as 127.0.0.1 or 0.0.0.0"
        ) from None
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))


def _explained(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is in use by another program, perhaps another console; stop "
            f"that one, or choose another port with --port {port + 1 if port < 65535 else 8760}"
        )
    return (
        f"cannot listen on port {port} of {host}: {error.strerror}; check --host and --port "
        "(ports below 1024 are not for everybody)"
    )
