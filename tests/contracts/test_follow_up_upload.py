"""Follow-up that comes back from a spreadsheet: shown first, changed then, line by line. Both databases."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from leadkeeper.access.permissions import Role
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _
from tests.contracts.test_lead_pages import ADA, BOB, LIST
from tests.in_process import NOWHERE, Installation, Visitor, connected, hand_in, lead
from tests.journeys.customer import Customer, Page
from tests.languages import LANGUAGES
from tests.people import address, signed_in

UPLOAD = "/portal/leads/upload"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """With a connected offer."""
    async with connected(database_url) as opened:
        yield opened


async def upload(visitor: Customer, content: bytes) -> Page:
    """The page that shows what a file would change; the file sent as a browser sends it."""
    page = await visitor.open(UPLOAD)
    form = aiohttp.FormData({"token": page.form("file").values["token"]})
    form.add_field("file", content, filename="leads.csv", content_type="text/csv")
    async with visitor._session.post(visitor.url + UPLOAD, data=form) as response:
        return await visitor._read(response)


async def download(visitor: Customer) -> list[list[str]]:
    """The list as a spreadsheet opens it."""
    page = await visitor.open(LIST)
    form = next(form for form in page.forms if form.action.endswith("/download"))
    async with visitor._session.post(form.action, data=form.values) as response:
        return [*csv.reader(io.StringIO((await response.read()).decode("utf-8-sig"), newline=""))]


def saved(rows: list[list[str]], by: str = ";", encoding: str = "cp1252") -> bytes:
    """What a spreadsheet of another land saves."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=by).writerows(rows)
    return out.getvalue().encode(encoding)


async def test_the_list_comes_back_changed(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=each) for each in (ADA, BOB, ADA)]
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        heads, *rows = await download(seller)
        state, reason, owner = (heads.index(each) for each in ("Follow-up", "Reason", "Owner"))
        for row in rows:
            if row[0] == ids[0]:
                row[state], row[reason] = "lost", "too dear: Núñez"
            if row[0] == ids[1]:
                row[owner] = address("contributor")
            row[heads.index("Last name")] = "Somebody else"
        page = await upload(seller, saved([heads, *rows]))
        assert page.status == 200, page.text
        assert "2 leads will be changed" in page.text
        assert "Nothing is changed yet." in page.text
        assert (await operator.get(f"/v1/leads/{ids[0]}")).json()["followUp"]["state"] == "new"
        page = await seller.send(page.form("rows"), {})
        assert "2 leads were changed." in page.text
        again = await upload(seller, saved(await download(seller)))
        assert "The file changes nothing" in again.text
    found = [(await operator.get(f"/v1/leads/{each}")).json() for each in ids]
    assert [(each["followUp"]["state"], each["followUp"]["reason"]) for each in found] == [
        ("lost", "too dear: Núñez"),
        ("new", ""),
        ("new", ""),
    ]
    assert [each["followUp"]["owner"] for each in found] == [None, "Ada Contributor", None]
    assert {each["customer"]["lastName"] for each in found} == {"Lovelace", "Núñez"}
    assert [event["kind"] for event in found[0]["events"]] == ["state"]


async def test_what_is_wrong_is_told_by_line_and_the_rest_goes_on(home: Installation, operator: Visitor) -> None:
    await operator.put("/v1/publishers/fabrikam", {"displayName": "F"})
    await operator.put("/v1/publishers/fabrikam/offers/planner", {"title": "P"})
    other = await operator.post("/v1/leads", lead(publisherId="fabrikam", offerId="planner"))
    assert other.status == 202, other.body
    ours, silent = await hand_in(operator, customer=ADA), await hand_in(operator, customer=ADA, action="DNC")
    rows = [["Lead id", "Follow-up", "Reason", "Owner"]]
    rows += [[each, "won", "", ""] for each in (other.json()["id"], NOWHERE, silent)]
    rows += [["nonsense", "won", "", ""], [ours, "active", "", "Nobody Known"]]
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        page = await upload(seller, saved(rows, ",", "utf-8"))
        assert page.status == 422
        assert f"Line 2, Lead id: There is no lead {other.json()['id']}." in page.text
        assert f"Line 3, Lead id: There is no lead {NOWHERE}." in page.text
        assert "Line 4, Lead id: Nobody follows this lead up" in page.text
        assert "Line 5, Lead id: This is no lead id." in page.text
        assert "Line 6, Owner: Nobody of this name may work on leads of this publisher" in page.text
        rows[-1][-1] = "-"
        page = await upload(seller, saved(rows, "\t", "utf-8-sig"))
        assert "1 lead will be changed" in page.text
        page = await seller.send(page.form("rows"), {})
        assert "1 lead was changed." in page.text
        form = (await seller.open(UPLOAD)).form("file")
        for rows_sent in (
            f'[[2,"{ours}","lost","a\\u0000b",null]]',
            f'[[2,"{ours}","lost",null,"a\\ud800b"]]',
            "",
            "[]",
            "[1]",
            "{}",
            '[[1,"x",2,"",""]]',
            "[" * 5_000,
        ):
            form.values["rows"] = rows_sent
            assert (await seller.send(form, {})).status == 422, rows_sent
        form.values["rows"] = f'[[2,"{other.json()["id"]}","won",null,null]]'
        assert "There is no lead" in (await seller.send(form, {})).text
    assert (await operator.get(f"/v1/leads/{other.json()['id']}")).json()["followUp"]["state"] == "new"


async def test_an_owner_who_left_stays_and_a_reader_uploads_nothing(home: Installation, operator: Visitor) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    async with signed_in(home, Role.CONTRIBUTOR):
        owner = (await home.services.accounts.people.members("contoso"))[0].id
    given = {"leadIds": [lead_id], "act": "owner", "owner": owner}
    assert (await operator.post("/v1/leads/bulk", given)).json()["outcomes"][0]["done"]
    async with signed_in(home, Role.OWNER) as boss:
        page = await boss.open("/portal/publishers/contoso/members")
        form = next(each for each in page.forms if f"/{owner}/" in each.action and "remove" in each.action)
        assert (await boss.send(form, {})).status == 200
        content = saved([["Lead id", "Follow-up", "Owner"], [lead_id, "won", "Ada Contributor"]])
        page = await upload(boss, content)
        assert "1 lead will be changed" in page.text, page.text
        await boss.send(page.form("rows"), {})
    follow = (await operator.get(f"/v1/leads/{lead_id}")).json()["followUp"]
    assert (follow["state"], follow["ownerId"]) == ("won", owner)
    async with signed_in(home, Role.READER) as reader:
        assert (await reader.open(UPLOAD)).status == 403
        assert "Upload follow-up" not in (await reader.open(LIST)).links


@pytest.mark.parametrize("language", [*LANGUAGES], ids=lambda language: language.code)
async def test_a_workbook_and_unicode_text_are_read_by_the_page(
    home: Installation, operator: Visitor, language: Language
) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        await seller.open(f"{UPLOAD}?lang={language.code}")
        page = await upload(seller, b"PK\x03\x04\x14\0\x06\0\x08\0")
        wanted = _("This is a workbook: save it as CSV (UTF-8).")
        assert (page.status, language.tell(wanted) in page.text) == (422, True), page.text
        assert page.form("file")
        rows = [["Lead id", "Follow-up", "Reason"], [lead_id, "lost", "Núñez\0"], [lead_id, "lost", "Núñez"]]
        page = await upload(seller, saved([rows[0], rows[1]], "\t", "utf-16"))
        assert (page.status, 'id="changes"' in page.text) == (422, False)
        page = await upload(seller, saved([rows[0], rows[2]], "\t", "utf-16"))
        assert page.status == 200, page.text
        await seller.send(page.form("rows"), {})
    assert (await operator.get(f"/v1/leads/{lead_id}")).json()["followUp"]["reason"] == "Núñez"


@pytest.mark.parametrize("language", [*LANGUAGES], ids=lambda language: language.code)
async def test_the_file_says_states_in_words_and_is_read_back(
    home: Installation, operator: Visitor, language: Language
) -> None:
    ids = [await hand_in(operator, customer=each) for each in (ADA, BOB)]
    tell = language.tell
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        await seller.open(f"{LIST}?lang={language.code}")
        heads, *rows = await download(seller)
        state, places = heads.index(tell(_("Follow-up"))), heads.index(tell(_("Destinations")))
        assert {row[state] for row in rows} == {tell(_("new"))}
        assert all(row[places].endswith(f": {tell(_('pending'))}") for row in rows), rows
        assert (
            tell(_("The file changes nothing: all of it is so already."))
            in (await upload(seller, saved([heads, *rows]))).text
        )
        for row in rows:
            row[state] = tell(_("won")) if row[0] == ids[0] else "active"
        page = await upload(seller, saved([heads, *rows]))
        assert page.status == 200, page.text
        await seller.send(page.form("rows"), {})
    found = [(await operator.get(f"/v1/leads/{each}")).json()["followUp"]["state"] for each in ids]
    assert found == ["won", "active"]


REST = "/v1/leads/follow-up"


async def sent(visitor: Visitor, rows: list[list[str]], query: str = "") -> dict[str, Any]:
    """What the API answers to a table."""
    answer = await visitor.call(
        "POST", REST + query, data=saved(rows), headers={"Content-Type": "text/csv; charset=utf-8"}
    )
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


async def test_over_rest_a_dry_run_says_what_the_table_then_changes(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=each) for each in (ADA, BOB)]
    rows = [
        ["Lead id", "Follow-up", "Reason"],
        [ids[0], "lost", "too dear: Núñez"],
        [ids[1], "gone", ""],
        [NOWHERE, "won", ""],
    ]
    dry = await sent(operator, rows, "?dryRun=true")
    assert (dry["dryRun"], dry["changed"]) == (True, 1)
    assert [(each["line"], each["leadId"], each["after"]["state"]) for each in dry["lines"]] == [(2, ids[0], "lost")]
    assert [(each["line"], each["column"]) for each in dry["errors"]] == [(3, "state"), (4, "id")]
    assert (await operator.get(f"/v1/leads/{ids[0]}")).json()["followUp"]["state"] == "new"

    done = await sent(operator, rows)
    assert (done["dryRun"], done["changed"], done["errors"]) == (False, 1, dry["errors"])
    found = (await operator.get(f"/v1/leads/{ids[0]}")).json()["followUp"]
    assert (found["state"], found["reason"]) == ("lost", "too dear: Núñez")
    assert (await sent(operator, rows))["changed"] == 0, "to repeat it does no harm"


async def test_over_rest_others_leads_are_not_there_and_readers_only_read(
    home: Installation, operator: Visitor
) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    rows = [["Lead id", "Follow-up"], [lead_id, "won"]]
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    stranger = await sent(await home.visitor("publisher:fabrikam"), rows)
    nowhere = await sent(operator, [rows[0], [NOWHERE, "won"]])
    assert stranger["changed"] == 0
    assert stranger["errors"] == [
        {**each, "message": each["message"].replace(NOWHERE, lead_id)} for each in nowhere["errors"]
    ]
    reader = await home.visitor("reader:contoso")
    refused = await reader.call("POST", REST, data=saved(rows), headers={"Content-Type": "text/csv"})
    refused.problem(403, "forbidden")
    (await operator.post(REST, {})).problem(415, "unsupported-media-type")
    lead_id = await hand_in(operator, customer=ADA)
    for row in ([lead_id, "lost", "a\0b", ""], [lead_id, "", "", "a\0b"]):
        told = await sent(operator, [["Lead id", "Follow-up", "Reason", "Owner"], row])
        assert (told["changed"], len(told["errors"])) == (0, 1)
    large = await operator.call("POST", REST, data=b"x" * 300_001, headers={"Content-Type": "text/csv"})
    assert large.status == 413
