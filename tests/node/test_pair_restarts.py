"""When a process of the pair is started again, and what is said of its ending."""

import signal

import pytest

from node.endings import ending, last_words
from node.local_pair.restarts import STEADY_S, WAITS_S, Restarts


def test_each_death_at_once_is_waited_for_longer_and_one_more_than_there_are_waits_is_the_last():
    restarts = Restarts((3.0, 6.0))
    assert [restarts.after_death(lived_s=lived_s) for lived_s in (1_000, 0, 9)] == [3.0, 6.0, None]
    assert restarts.in_a_row == 3


def test_whoever_lived_steadily_in_between_begins_anew():
    restarts = Restarts((3.0, 6.0))
    lives = (0, STEADY_S - 0.1, STEADY_S, 0)
    assert [restarts.after_death(lived_s=lived_s) for lived_s in lives] == [3.0, 6.0, 3.0, 6.0]


def test_the_waits_of_a_pair_are_finite_and_grow():
    assert list(WAITS_S) == sorted(set(WAITS_S))


@pytest.mark.parametrize(
    ("exit_status", "words", "told"),
    [
        (-signal.SIGKILL, "an old error.", "The node a was killed (signal 9)."),
        (-signal.SIGSEGV, "an old error.", "The node a was ended (signal 11)."),
        (0, "", "The node a ended by itself (exit status 0)."),
        (2, "The port is taken. Stop it.", "The node a ended by itself (exit status 2): The port is taken. Stop it."),
    ],
)
def test_an_ending_is_told_by_signal_or_by_exit_status_and_last_words(exit_status, words, told):
    assert ending("The node a", exit_status, words) == told


@pytest.mark.parametrize(
    ("since_start", "words"),
    [
        ("", ""),
        ('{"event": "ready"}\n{"event": "stopping"}\n', ""),
        ('{"event": "ready"}\nError: It is full.\nMake room.\n', "It is full. Make room."),
        ("Traceback (most recent call last):\n  File\nMemoryError\n", "MemoryError."),
    ],
)
def test_last_words_are_those_of_the_last_start_with_their_remedy_and_no_log_records(tmp_path, since_start, words):
    log = tmp_path / "a.log"
    before = "Error: An old one.\nIts remedy.\n"
    log.write_text(before + since_start)
    assert last_words(log, since=len(before)) == words


def test_a_log_that_is_not_there_has_no_last_words(tmp_path):
    assert last_words(tmp_path / "a.log", since=0) == ""
