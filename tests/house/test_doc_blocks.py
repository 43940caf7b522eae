"""Every example of the documentation is run by a test, or stands in one list with the reason why it is not."""

from __future__ import annotations

from tests.journeys.doc_pages import GENERATED, NOT_RUN, READ, ROOT, RUN_BY, blocks, is_run, pages

ALL = [block for page in pages() if page not in GENERATED for block in blocks(page)]


def test_every_block_is_run_or_listed() -> None:
    assert [block.name for block in ALL if not is_run(block) and block.name not in NOT_RUN] == []


def test_the_list_holds_only_what_is_there_and_not_run() -> None:
    assert set(NOT_RUN) - {block.name for block in ALL if not is_run(block)} == set()
    assert all(len(reason.split()) > 3 for reason in NOT_RUN.values())


def test_who_runs_a_page_is_there_and_the_page_has_such_blocks() -> None:
    there = {(block.page, block.language) for block in ALL}
    assert set(RUN_BY) - there == set()
    assert [test for test in RUN_BY.values() if not (ROOT / test).is_file()] == []
    assert [page for page in READ if not any(page == block.page for block in ALL)] == []


def test_an_answer_follows_the_call_that_brings_it() -> None:
    """On a page that is read, JSON is what the block of commands before it answers."""
    for page in READ:
        before = ""
        for block in blocks(page):
            if block.language == "json" and (page, "json") not in RUN_BY:
                assert before == "sh", block.name
            before = block.language
