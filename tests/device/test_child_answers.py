"""Answers of a child process among lines of others, and cut off."""

from __future__ import annotations

from minivgg_edge.child_answers import answer_line, parse_answers


def test_answers_among_what_others_print() -> None:
    one, two = answer_line(name="é\u2028", problems=[]), answer_line(n=2)
    printed = f"a greeting\n{{}}\nleft open{one}{two}goodbye\n"
    assert parse_answers(printed) == [{"name": "é\u2028", "problems": []}, {"n": 2}]


def test_a_line_that_was_cut_off_is_no_answer() -> None:
    one, two = answer_line(n=1), answer_line(n=2)
    for length in range(len(two)):
        assert parse_answers(one + two[:length]) == [{"n": 1}]
