"""An interrupt ends the block even where Python drops the exception that it raised."""

from __future__ import annotations

import os
import signal

import pytest

from ovseg_ros.demo.interrupts import interruptible

SIGNALS = [signal.SIGINT, signal.SIGTERM]


class InterruptedDestructor:
    """Python reports what a destructor raises, and goes on."""

    def __init__(self, sign: signal.Signals) -> None:
        self.sign = sign

    def __del__(self) -> None:
        os.kill(os.getpid(), self.sign)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("sign", SIGNALS)
def test_a_lost_interrupt_is_raised_again(sign: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible() as go_on:
        go_on()
        doomed = InterruptedDestructor(sign)
        del doomed
        go_on()


@pytest.mark.parametrize("sign", SIGNALS)
def test_handlers_are_as_before_behind_the_block(sign: signal.Signals) -> None:
    before = signal.getsignal(sign)
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), sign)
    assert signal.getsignal(sign) is before
