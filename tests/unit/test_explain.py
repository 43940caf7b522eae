"""Errors that people paste find the entry that fixes them: codes of every system, and Microsoft's texts."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.catalogue import text_of
from leadkeeper.destinations.azure_storage import errors as azure_errors
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.dynamics import errors as dynamics_errors
from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.dynamics.sign_in_diagnoses import SIGNED_IN_TO
from leadkeeper.destinations.https_endpoint import errors as https_endpoint
from leadkeeper.destinations.interface import ErrorCodes
from leadkeeper.destinations.marketo import errors as marketo_errors
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.destinations.salesforce import errors as salesforce_errors
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.diagnosis import AnyKind, Kind
from leadkeeper.explain.find import LONGEST, explain, find
from leadkeeper.explain.microsoft_texts import MICROSOFT_TEXTS, MicrosoftText
from leadkeeper.explain.microsoft_texts_pt import MICROSOFT_TEXTS as PORTUGUESE_TEXTS
from leadkeeper.network.entra import errors as entra_errors
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.texts import ENGLISH, Language
from tests.languages import LANGUAGES, PORTUGUESE

PREFIX = "Could not save the lead to Dynamics CRM"
PREFIX_PT = "Não foi possível salvar o cliente potencial no Dynamics CRM"
GUID = "72f988bf-86f1-41af-91ab-2d7cd011db47"

REMEDIES: dict[AnyKind, tuple[str, ...]] = {
    EntraKind.SIGN_IN_REJECTED: ("office365", "password", "directoryId", "applicationId", "secret", "licence"),
    DynamicsKind.FIELD_PERMISSION_MISSING: ("Microsoft Marketplace Lead Writer",),
    EntraKind.TENANT_NOT_FOUND: ("Microsoft Entra ID", "Tenant ID", "directoryId"),
    DynamicsKind.NO_SECURITY_ROLE: ("Microsoft Marketplace Lead Writer", "Security"),
    EntraKind.APPLICATION_NOT_FOUND: ("App registrations", "Application (client) ID"),
    EntraKind.TENANT_INVALID: ("Microsoft Entra ID", "Tenant ID", "directoryId"),
    EntraKind.CLIENT_SECRET_WRONG: ("Azure portal", "New client secret", "applicationKey"),
    DynamicsKind.NO_ANSWER: ("instanceUrl", "valid Dynamics instance"),
}
"""For each of Microsoft's eight errors what its own remedy says to look at."""

REMEDIES_PT: dict[AnyKind, tuple[str, ...]] = {
    EntraKind.SIGN_IN_REJECTED: ("office365", "senha", "directoryId", "applicationId", "segredo", "licença"),
    DynamicsKind.FIELD_PERMISSION_MISSING: ("função de segurança 'Microsoft Marketplace Lead Writer'",),
    EntraKind.TENANT_NOT_FOUND: ("Microsoft Entra ID", "identificador do diretório", "directoryId"),
    DynamicsKind.NO_SECURITY_ROLE: ("função de segurança 'Microsoft Marketplace Lead Writer'",),
    EntraKind.APPLICATION_NOT_FOUND: ("App registrations", "Application (client) ID"),
    EntraKind.TENANT_INVALID: ("Microsoft Entra ID", "identificador do diretório", "directoryId"),
    EntraKind.CLIENT_SECRET_WRONG: ("portal do Azure", "segredo", "applicationKey"),
    DynamicsKind.NO_ANSWER: ("instanceUrl", "instância válida do Dynamics"),
}


def kinds(pasted: str) -> list[AnyKind]:
    """The kinds that the text means."""
    return [match.kind for match in find(pasted)]


def steps_of(kind: AnyKind, language: Language) -> str:
    return " ".join(text_of(kind, language).steps)


class TestMicrosoftsTexts:
    @pytest.mark.parametrize("known", MICROSOFT_TEXTS, ids=lambda known: known.kind.value)
    def test_in_english_with_its_remedy(self, known: MicrosoftText) -> None:
        for pasted in (known.text, f"{PREFIX}. {known.text}", f"{PREFIX}  {known.text.upper()}\n Increase the timeout"):
            assert kinds(pasted)[:1] == [known.kind]
            assert len(kinds(pasted)) == 1
        for word in REMEDIES[known.kind]:
            assert word in steps_of(known.kind, ENGLISH)

    @pytest.mark.parametrize("known", PORTUGUESE_TEXTS, ids=lambda known: known.kind.value)
    def test_in_portuguese_with_its_remedy(self, known: MicrosoftText) -> None:
        for pasted in (known.text, f"{PREFIX_PT}. {known.text}", f"**{PREFIX_PT} {known.text.upper()}**"):
            assert kinds(pasted) == [known.kind]
        for word in REMEDIES_PT[known.kind]:
            assert word in steps_of(known.kind, PORTUGUESE)

    def test_there_are_eight_in_each_language(self) -> None:
        assert {known.kind for known in MICROSOFT_TEXTS} == {known.kind for known in PORTUGUESE_TEXTS} == set(REMEDIES)
        assert len(MICROSOFT_TEXTS) == len(PORTUGUESE_TEXTS) == len(REMEDIES) == len(REMEDIES_PT) == 8

    @pytest.mark.parametrize("known", [*MICROSOFT_TEXTS, *PORTUGUESE_TEXTS], ids=lambda known: known.telling)
    def test_without_accents_punctuation_or_with_other_spacing(self, known: MicrosoftText) -> None:
        plain = known.text.translate(str.maketrans("ãáâçéêíóõúÃÁÂÇÉÊÍÓÕÚ", "aaaceeioouAAACEEIOOU"))
        assert kinds(plain) == [known.kind]
        assert kinds(re.sub(r"\W+", "   ", known.text)) == [known.kind]
        assert kinds(known.text.replace(" ", "\r\n")) == [known.kind]

    @pytest.mark.parametrize("known", [*MICROSOFT_TEXTS, *PORTUGUESE_TEXTS], ids=lambda known: known.telling)
    def test_cut_off(self, known: MicrosoftText) -> None:
        start = known.text.index(known.telling)
        assert kinds(known.text[: start + len(known.telling) - 2]) == [known.kind]
        assert kinds(known.text[start + 1 :]) == [known.kind]

    @pytest.mark.parametrize("known", [*MICROSOFT_TEXTS, *PORTUGUESE_TEXTS], ids=lambda known: known.telling)
    def test_with_ids_and_moments_between_its_words(self, known: MicrosoftText) -> None:
        between = f" '{GUID}' 2018-10-05 09:41:13Z "
        words = known.text.split()
        assert kinds(between.join(words)) == [known.kind]

    def test_as_the_services_say_it_today(self) -> None:
        text = (
            f"AADSTS700016: Application with identifier '{GUID}' was not found in the directory 'Contoso'. "
            f"Trace ID: {GUID} Correlation ID: {GUID} Timestamp: 2026-01-02 03:04:05Z"
        )
        assert kinds(text) == [EntraKind.APPLICATION_NOT_FOUND]

    @pytest.mark.parametrize(
        ("pasted", "kind"),
        [
            ("Inquilino não encontrado", EntraKind.TENANT_NOT_FOUND),
            ("usando AAD. Exceção:: Inquilino não encontrado.", EntraKind.TENANT_NOT_FOUND),
            (
                "Não foi possível guardar o potencial cliente no Dynamics CRM utilizando o AAD. Exceção:: Inquilino "
                "não encontrado. Esta situação pode ocorrer se não existirem subscrições ativas para o inquilino.",
                EntraKind.TENANT_NOT_FOUND,
            ),
            ("INQUILINO NAO ENCONTRADO", EntraKind.TENANT_NOT_FOUND),
            ("LastCRMError: Não é possível iniciar sessão no Dynamics CRM", EntraKind.SIGN_IN_REJECTED),
            ("Incapaz de iniciar sessão no Dynamics CRM, LastCRMException:", EntraKind.SIGN_IN_REJECTED),
            (
                "O utilizador não tem permissões de criação para o atributo leadsourcecode na entidade do potencial "
                "cliente",
                DynamicsKind.FIELD_PERMISSION_MISSING,
            ),
            (
                "O utilizador não tem permissões para criar o atributo leadsourcecode na entidade principal",
                DynamicsKind.FIELD_PERMISSION_MISSING,
            ),
            ("A aplicação com o identificador não foi encontrada no diretório", EntraKind.APPLICATION_NOT_FOUND),
            ("O identificador do inquilino solicitado não é válido", EntraKind.TENANT_INVALID),
            (
                "O identificador de inquilino pedido não é válido e não é um formato de domínio",
                EntraKind.TENANT_INVALID,
            ),
            (
                "Erro ao validar credenciais.: É fornecido um segredo de cliente inválido.",
                EntraKind.CLIENT_SECRET_WRONG,
            ),
            (
                "SecLib::RetrievePrivilegeForUser falhou - não são atribuídas funções ao utilizador.",
                DynamicsKind.NO_SECURITY_ROLE,
            ),
            (
                "O canal de pedidos excedeu o tempo limite enquanto aguardava uma resposta após 00:02:00.",
                DynamicsKind.NO_ANSWER,
            ),
            ("O canal de pedido esgotou o tempo à espera de uma resposta", DynamicsKind.NO_ANSWER),
        ],
    )
    def test_as_other_translators_have_them(self, pasted: str, kind: AnyKind) -> None:
        assert kinds(pasted) == [kind]

    def test_from_memory(self) -> None:
        assert kinds("it said requested tenant identifer not valid and not a valid external domain format") == [
            EntraKind.TENANT_INVALID
        ]

    @pytest.mark.parametrize("part", [PREFIX, PREFIX_PT, "LastCRMError", "Dynamics CRM", "using AAD. Exception"])
    def test_what_several_share_tells_nothing(self, part: str) -> None:
        assert kinds(part) == []


class TestCodes:
    def test_of_entra(self) -> None:
        for number in entra_errors.CODES:
            for pasted in (
                f"AADSTS{number}",
                f"aadsts{number}: {GUID}",
                json.dumps({"error": "invalid_client", "error_codes": [number], "error_uri": f"?code={number}"}),
                f"{number}",
            ):
                assert kinds(pasted) == [entra_errors.numbers_of(SIGNED_IN_TO)[number]], pasted

    def test_of_dataverse_in_every_spelling(self) -> None:
        for code in dynamics_errors.CODES:
            number = int(code, 16)
            for pasted in (
                code,
                code.upper(),
                code.removeprefix("0x"),
                str(number),
                str(number - 2**32),
                json.dumps({"error": {"code": code, "message": f"Error {GUID}"}}),
                f"Message: something. ErrorCode: {number - 2**32}. Time: 2026-01-02T03:04:05Z",
            ):
                assert kinds(pasted) == [dynamics_errors.CODES[code].kind], pasted

    def test_of_salesforce(self) -> None:
        for code, kind in salesforce_errors.CODES.items():
            assert kinds(code) == kinds(code.lower()) == [kind], code
            assert kinds(json.dumps([{"errorCode": code, "message": "see https://x/401", "fields": []}])) == [kind], (
                code
            )

    def test_of_azure_storage(self) -> None:
        for code in azure_errors.CODES:
            assert azure_errors.CODES[code].kind in kinds(code), code
            summary = (
                f"<Error><Code>{code}</Code><Message>RequestId:{GUID} Time:2026-01-02T03:04:05.678Z</Message></Error>"
            )
            if code not in {"Forbidden", "Unauthorized"}:
                assert azure_errors.CODES[code].kind in kinds(summary), code

    def test_of_power_automate(self) -> None:
        for code in https_endpoint.CODES:
            assert kinds(json.dumps({"error": {"code": code}})) == [https_endpoint.CODES[code]], code

    def test_of_marketo(self) -> None:
        for code, kind in marketo_errors.CODES.items():
            assert kinds(f"marketo {code}")[0] is kind, code
            assert kinds(code)[0] is kind, code
            answer = {"requestId": "185d6#14b51985ff0", "success": False, "errors": [{"code": code, "message": "no"}]}
            assert kinds(json.dumps(answer))[0] is kind, code

    def test_of_ours(self) -> None:
        for kind in OURS.kinds:
            assert kinds(kind.value)[0] is kind, kind
            assert kinds(f"/docs/reference/diagnoses.html#{kind.value.lower()}")[:1] in ([kind], []), kind
            for language in LANGUAGES:
                assert kind in kinds(f"{text_of(kind, language).summary} Who acts: publisher."), (kind, language)

    @pytest.mark.parametrize("error", [*entra_errors.ERRORS, *salesforce_errors.SIGN_IN])
    def test_of_oauth(self, error: str) -> None:
        entra = entra_errors.errors_of(SIGNED_IN_TO)
        wanted = {table[error] for table in (entra, salesforce_errors.SIGN_IN) if error in table}
        assert set(kinds(json.dumps({"error": error}))) == wanted
        if error in salesforce_errors.SIGN_IN:
            assert kinds(f"salesforce says {error}") == [salesforce_errors.SIGN_IN[error]]

    def test_of_the_network(self) -> None:
        assert kinds("code EAI_NONAME") == [Kind.ADDRESS_NOT_FOUND, Kind.HOST_NOT_RESOLVED]
        assert kinds("[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired") == [Kind.TLS_FAILED]


class TestStatuses:
    @pytest.mark.parametrize(
        "pasted",
        [
            "HTTP 401",
            "401",
            "HTTP/1.1 401 Unauthorized",
            "status code: 401",
            "The remote server returned an error: (401) Unauthorized.",
            "O servidor remoto retornou um erro: (401) Não Autorizado.",
        ],
    )
    def test_it_means_something_else_in_every_system(self, pasted: str) -> None:
        found = {match.kind: match.systems for match in find(pasted)}
        assert found[Kind.CREDENTIALS_REJECTED] == ("HTTPS endpoint",)
        assert found[AzureStorageKind.KEY_REJECTED] == ("Azure Storage",)
        assert found[SalesforceKind.SESSION_REJECTED] == ("Salesforce",)

    def test_the_system_may_be_named(self) -> None:
        assert kinds("salesforce 401") == [SalesforceKind.SESSION_REJECTED]
        assert kinds("HTTP 403 from Marketo") == [MarketoKind.ACCESS_DENIED]

    def test_a_code_says_more(self) -> None:
        assert kinds('HTTP 403 {"error":{"code":"0x80072560","message":"no"}}') == [DynamicsKind.USER_NOT_MEMBER]

    def test_those_that_nobody_lists_go_by_their_class(self) -> None:
        assert kinds("HTTP 500") == [Kind.SERVER_ERROR]
        assert kinds("HTTP 422") == [Kind.LEAD_REFUSED]
        assert kinds("HTTP 308") == [Kind.REDIRECTED]

    @pytest.mark.parametrize(
        "pasted",
        [
            "",
            " \n ",
            "All is well",
            "HTTP 200",
            "We were throttled and forbidden to say so, in a long sentence about 404 things.",
            "AADSTS1",
            "0x12345678",
            "-",
            GUID,
            "2026-01-02 03:04:05",
            "+44 20 7946 0958",
        ],
    )
    def test_what_means_nothing(self, pasted: str) -> None:
        assert find(pasted) == ()


NASTY = st.sampled_from(
    ["AADSTS", "0x8004", "-2147", "HTTP", "error:", "code", "(", "'", "4", "0", "\0", "\ud800", "٣", "ı", "ß", " "]
)


@given(st.text(max_size=300) | st.lists(NASTY, max_size=60).map("".join) | st.text(max_size=30).map(lambda t: t * 2000))
def test_any_text_is_taken(pasted: str) -> None:
    found = find(pasted)
    assert len({match.kind for match in found}) == len(found)
    for language in LANGUAGES:
        assert len(explain(pasted, language)) == len(found)


@given(st.sampled_from(MICROSOFT_TEXTS), st.text(max_size=200))
def test_a_known_text_is_found_within_any_other(known: MicrosoftText, around: str) -> None:
    assert known.kind in kinds(f"{around}\n{known.text}\n{around}")


def test_only_so_much_is_looked_at() -> None:
    assert find("x " * (LONGEST // 2) + "AADSTS50126") == ()
    assert kinds("x " * (LONGEST // 2 - 10) + "AADSTS50126") == [EntraKind.SIGN_IN_REJECTED]


class TestInstalledPackages:
    """What a destination's own package says of its codes is known to ``explain``, without a line elsewhere."""

    _CODES = ErrorCodes(
        system="Acme CRM",
        words=("acme",),
        named={"ACME_LOCKED_OUT": Kind.CREDENTIALS_REJECTED},
        statuses={418: Kind.ENDPOINT_GONE},
        numbers={"98765": Kind.LEAD_REFUSED},
    )

    @pytest.fixture
    def destinations(self) -> Destinations:
        return Destinations([*OURS.all[1:], replace(OURS.all[0], codes=(self._CODES,))])

    @pytest.mark.parametrize(
        ("pasted", "kind"),
        [
            ("ACME_LOCKED_OUT: go away", Kind.CREDENTIALS_REJECTED),
            ("acme error 98765", Kind.LEAD_REFUSED),
            ("Acme: HTTP 418", Kind.ENDPOINT_GONE),
        ],
    )
    def test_its_codes_are_known_where_it_is_installed(
        self, destinations: Destinations, pasted: str, kind: AnyKind
    ) -> None:
        found = find(pasted, LANGUAGES, destinations)
        assert [(each.kind, each.systems) for each in found] == [(kind, ("Acme CRM",))]
        assert kind not in kinds(pasted)
