"""`ovseg console` refuses in one sentence what it must not or cannot do."""

import pytest

from ovseg_ros.cli import main
from ovseg_ros.console.address import listen

pytestmark = pytest.mark.ros
TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--host", "0.0.0.0"], "needs a token"),
        (["--host", "::"], "needs a token"),
        (["--token", "short"], "16"),
        (["--token-file", "no-such-file"], "cannot be read"),
        (["--host", "nowhere.invalid", "--token", TOKEN], "is no address"),
        (["--node", "no name"], "cannot be a topic"),
        (["--image-topic", ""], "cannot be a topic"),
        (["--save", "/dev/null/deep"], "cannot write"),
    ],
)
def test_it_refuses_in_one_sentence(words, what, capsys):
    assert main(["console", "--port", "0", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ovseg console: ") and what in error and error.count("\n") == 1


def test_a_port_in_use_is_named(capsys):
    with listen("127.0.0.1", 0, "") as listener:
        port = listener.getsockname()[1]
        assert main(["console", "--port", str(port)]) == 2
    assert f"port {port} of 127.0.0.1 is in use" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--port", "65536"], ["--rate", "0"], ["--rate", "fast"]])
def test_numbers_are_checked(words, capsys):
    with pytest.raises(SystemExit):
        main(["console", *words])
    assert "was wanted" in capsys.readouterr().err
