"""Long passes of the core end where the thread that began them no longer wants them."""

from __future__ import annotations

import threading

import pytest

from imgcomp import _core, codec, datasets
from imgcomp.errors import UsageError


class EnoughError(Exception):
    """What the tests' checks raise."""


def enough() -> None:
    raise EnoughError


def long_pass() -> int:
    """Bytes of what takes some seconds, in parts of images one after the other."""
    patient = codec.load("house-gray").with_effort(1)
    return len(patient.compress(datasets.digits().test.images[:60]))


def test_a_pass_ends_with_what_the_check_raises():
    with pytest.raises(EnoughError), _core.Interruptible(enough):
        long_pass()


def test_it_is_asked_again_and_again_and_no_longer_afterwards():
    asked = []
    with _core.Interruptible(lambda: asked.append(1)):
        inside = long_pass()
    count = len(asked)
    assert count >= 2
    assert long_pass() == inside
    assert len(asked) == count


def test_other_threads_are_not_asked():
    sizes = []
    with _core.Interruptible(enough):
        other = threading.Thread(target=lambda: sizes.append(long_pass()))
        other.start()
        other.join()
    assert len(sizes) == 1


def test_the_innermost_is_asked_and_the_outer_one_after_it():
    asked = []
    with _core.Interruptible(enough):
        with _core.Interruptible(lambda: asked.append(1)):
            long_pass()
        with pytest.raises(EnoughError):
            long_pass()
    assert asked


def test_one_is_entered_once_at_a_time():
    one = _core.Interruptible(enough)
    with one, pytest.raises(UsageError, match="in use"):
        one.__enter__()
    with one:
        pass
    with pytest.raises(TypeError):
        _core.Interruptible("nothing to call")
