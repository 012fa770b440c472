"""Interrupts: one exception for each time that somebody asks."""

import signal

import pytest

from kida import interrupts
from kida.interrupts import Terminated, one_exception_each


@pytest.fixture
def clock(monkeypatch):
    times = [0.0]
    monkeypatch.setattr(interrupts.time, "monotonic", lambda: times[0])
    return times


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_a_signal_that_comes_twice_asks_once(clock, number, kind):
    with one_exception_each():
        with pytest.raises(kind):
            signal.raise_signal(number)
        signal.raise_signal(number)
        # Nor does another one mean more.
        signal.raise_signal(signal.SIGTERM)
        clock[0] += 1.0
        with pytest.raises(kind):
            signal.raise_signal(number)


def test_handlers_are_as_they_were_afterwards():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with one_exception_each():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_what_ignores_ctrl_c_goes_on_ignoring_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with one_exception_each():
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
