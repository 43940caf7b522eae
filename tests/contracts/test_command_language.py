"""What commands print in Portuguese, where the terminal speaks it; JSON stays as it is. Those that are done so far."""

from __future__ import annotations

import json
import socket

import pytest

from leadkeeper.doors.cli.failing import explanation
from leadkeeper.doors.cli.operating.serve import say_begin, say_listening
from leadkeeper.doors.cli.showing import SPOKEN
from leadkeeper.network.addresses import _PRIVATE
from leadkeeper.processes.plan import Duty, ProcessPlan
from leadkeeper.settings import load_settings
from leadkeeper.storage.away import UNREACHABLE
from leadkeeper.storage.durability import Durability, promise, weaknesses
from leadkeeper.storage.engine import StorageAway
from leadkeeper.texts import ENGLISH, lazy_ngettext
from tests.contracts.commands import OFFER, Call, call, endpoint, put_offer
from tests.english import english_on
from tests.languages import PORTUGUESE

__all__ = ["call", "endpoint"]


@pytest.fixture(autouse=True)
def portuguese(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal speaks Portuguese, as that of a Brazilian desktop does."""
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", "pt_BR.UTF-8")


def test_the_doctor_speaks_portuguese_and_its_json_does_not(call: Call, endpoint: object) -> None:
    put_offer(call)
    assert call("connections", "put", OFFER, "--to", "httpsEndpoint", "--set", "httpsEndpointUrl=https://10.0.0.1/x")
    found = call("doctor")
    told = found.out + found.err
    assert PORTUGUESE.tell(_PRIVATE) in told, "what is kept is told in the reader's language, evidence too"
    assert english_on(told) == []
    for each in (
        "podem ser usadas",
        "abre os segredos guardados",
        "0 entrega",
        "linhas em uma cadeia intacta",
        "nota",
    ):
        assert each in told, told
    assert "Algo está errado." in found.err
    findings = {each["name"]: each for each in json.loads(call("doctor", "--json").out)["findings"]}
    assert findings["secret key"]["detail"] == "opens the stored secrets"
    assert findings["waiting"]["detail"] == "0 deliveries"
    assert findings["mail"]["state"] == "note"


def test_offers_are_told_in_portuguese(call: Call) -> None:
    assert call("offers", "list").line == "Não há ofertas: leadkeeper offers put."
    call("publishers", "put", "contoso", "--name", "Contoso")
    assert call("offers", "put", OFFER).line == f"A oferta {OFFER} foi criada."
    assert call("offers", "put", OFFER).line == f"A oferta {OFFER} foi alterada."
    listed, cost = call("offers", "list"), call("offers", "cost", OFFER)
    assert listed.out.split()[:2] == ["Oferta", "Título"]
    assert "sim" in listed.out
    assert cost.line == "A oferta não tem destino de leads."
    assert english_on(listed.out + listed.err + cost.err) == []
    assert "made" in call("--language", "en", "offers", "put", "contoso.other").line


def test_serve_says_where_it_listens_or_why_it_cannot(
    call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("LEADKEEPER_PORT", str(taken.getsockname()[1]))
        assert "está ocupado: escolha outro com LEADKEEPER_HOST" in call("serve").line
    token = SPOKEN.set(PORTUGUESE)
    try:
        say_begin("http://x.example/y")
        say_listening(load_settings(), [ProcessPlan(Duty.SERVE, 1)])
        say_listening(load_settings(), [ProcessPlan(Duty.API, 1), ProcessPlan(Duty.API, 2)])
        say_listening(load_settings(), [ProcessPlan(Duty.WORKER, 1)])
    finally:
        SPOKEN.reset(token)
    told = "\n".join(line for line in capsys.readouterr().err.splitlines() if "[warning " not in line)  # the log's
    assert english_on(told) == []
    assert "em 2 processos; um worker em outro lugar deve levar os leads. Ctrl-C o encerra." in told
    assert told.count("/portal, a vitrine em ") == 2  # a worker has no pages


def test_errors_of_every_command_are_told_in_portuguese(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    message = call("offers", "list").line
    assert message.startswith("O banco de dados não pode ser usado: ")
    assert english_on(message) == []
    known = explanation(StorageAway.because(UNREACHABLE))
    assert known is not None
    assert PORTUGUESE.gettext(UNREACHABLE) in PORTUGUESE.tell(known)


def test_every_promise_of_a_server_has_portuguese_words() -> None:
    weak = Durability(False, False, "on", "standby", 0, 0), Durability(True, True, "on", "", 0, 1)
    texts = [text for each in weak for found in weaknesses(each) for text in (found.detail, found.remedy)]
    texts += [promise(each) for each in (*weak, Durability(True, True, "on", "standby", 1, 0))]
    assert len(texts) >= 10
    assert [text for text in texts if not PORTUGUESE.can_tell(text)] == []


def test_a_text_with_a_number_has_the_form_of_the_language() -> None:
    one, many = (lazy_ngettext("%(count)s delivery", "%(count)s deliveries", count) for count in (1, 2))
    assert (str(one), str(many)) == ("1 delivery", "2 deliveries")
    assert [PORTUGUESE.tell(each) for each in (one, many)] == ["1 entrega", "2 entregas"]
    assert [ENGLISH.tell(each) for each in (one, many)] == ["1 delivery", "2 deliveries"]
    assert PORTUGUESE.can_tell(many)
    assert not PORTUGUESE.can_tell(lazy_ngettext("one of a kind", "nothing of the kind", 2))
