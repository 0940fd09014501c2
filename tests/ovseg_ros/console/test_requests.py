"""What a page may send, how much of it, and where the console may listen."""

import json
import socket

import pytest

from ovseg_ros.console.address import AddressError, is_loopback, listen, read_token, url_of
from ovseg_ros.console.allowance import Allowance
from ovseg_ros.console.requests import Request, RequestError, RequestKind, read_request

GOOD_TOKEN = "0123456789abcdef"


def test_requests_are_read():
    text = json.dumps({"type": "query", "id": 4, "text": "car; <b>", "more": None})
    assert read_request(text) == Request(RequestKind.QUERY, 4, "car; <b>")
    assert read_request('{"type": "watch", "on": true}').on


@pytest.mark.parametrize(
    "text",
    [
        "",
        "car",
        "[]",
        "{}",
        '{"type": "shutdown"}',
        '{"type": []}',
        '{"type": "query", "text": 5}',
        '{"type": "query", "text": "\\ud800"}',
        '{"type": "save", "frame": true}',
        '{"type": "save", "frame": 1.5}',
        '{"type": "enable", "on": 1}',
        "[" * 100_000,
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(RequestError):
        read_request(text)


def test_the_allowance_fills_up_at_its_rate():
    now = [0.0]
    allowance = Allowance(10.0, 3, lambda: now[0])
    assert [allowance.spend() for _ in range(4)] == [True, True, True, False]
    now[0] = 0.2
    assert [allowance.spend() for _ in range(3)] == [True, True, False]
    now[0] = 100.0
    assert [allowance.spend() for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.4", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_loopback_is_known(host, loopback):
    assert is_loopback(host) is loopback


def test_any_other_address_wants_a_token():
    for host in ("0.0.0.0", "::"):
        with pytest.raises(AddressError, match="needs a token"):
            listen(host, 0, "")
    with listen("0.0.0.0", 0, GOOD_TOKEN) as listener:
        assert url_of(listener) == f"http://{socket.gethostname()}:{listener.getsockname()[1]}"


def test_a_port_in_use_and_a_strange_address_are_said_in_a_sentence():
    with listen("127.0.0.1", 0, "") as listener:
        port = listener.getsockname()[1]
        assert url_of(listener) == f"http://127.0.0.1:{port}"
        with pytest.raises(AddressError, match=f"port {port} .* is in use .* --port {port + 1}"):
            listen("127.0.0.1", port, "")
    for host in ("no such host", "192.0.2.1"):
        with pytest.raises(AddressError):
            listen(host, 0, GOOD_TOKEN)


def test_tokens_come_from_a_file_or_the_command_line(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{GOOD_TOKEN}\nsecond line\n")
    assert read_token("", file) == read_token(GOOD_TOKEN, None) == GOOD_TOKEN
    assert read_token("", None) == ""
    for bad in ("short", "ä" * 20, "tab\t" * 5):
        with pytest.raises(AddressError, match="characters"):
            read_token(bad, None)
    file.write_text("")
    with pytest.raises(AddressError, match="0 characters"):
        read_token("", file)
    with pytest.raises(AddressError, match="cannot be read"):
        read_token("", tmp_path / "nothing")
