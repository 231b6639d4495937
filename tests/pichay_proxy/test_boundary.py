import asyncio

import pytest

from pichay_proxy.boundary import FailOpen, contained


@pytest.mark.parametrize("error", [ValueError("x"), RecursionError(), asyncio.CancelledError()])
def test_an_error_ends_here_and_is_reported_once(error):
    reported = []
    with FailOpen(reported.append):
        raise error
    assert reported == [error]


@pytest.mark.parametrize("end", [KeyboardInterrupt(), SystemExit(1)])
def test_whoever_wants_to_stop_the_program_is_not_kept_from_it(end):
    reported = []
    with pytest.raises(type(end)), FailOpen(reported.append):
        raise end
    assert reported == []


def test_nothing_is_reported_where_nothing_went_wrong():
    reported = []
    with FailOpen(reported.append):
        pass
    assert reported == []


def test_a_report_that_fails_ends_here_too():
    def report(error):
        raise OSError("no space to write that down") from error

    with FailOpen(report):
        raise ValueError
    with pytest.raises(SystemExit), FailOpen(lambda _: exit()):
        raise ValueError


async def test_a_cancelled_wait_ends_here():
    reported = []

    async def hook():
        with FailOpen(reported.append):
            await asyncio.sleep(60)
        return "went on"

    task = asyncio.create_task(hook())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "went on"
    assert isinstance(reported[0], asyncio.CancelledError)


def test_contained_returns_what_was_raised():
    error = ValueError("x")

    def action():
        raise error

    assert contained(action) is error
    assert contained(lambda: None) is None
