"""What can go wrong with Salesforce, in Portuguese."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.portuguese.steps import RESUME, VALIDATE, WAIT
from leadkeeper.diagnoses.text import Text
from leadkeeper.diagnosis import Kind

_FORM: Final[dict[Kind, Text]] = {
    Kind.SALESFORCE_FORM_REJECTED: Text(
        "O Web-to-Lead do Salesforce descartou o lead; quase sempre porque o identificador de objeto (oid) não é o de "
        "uma organização.",
        (
            "Abra no Salesforce 'Setup', 'Company Information' e compare 'Salesforce.com Organization ID' com o "
            "identificador de objeto nas configurações. Para uma sandbox, use test.salesforce.com como servidor do "
            "Web-to-Lead.",
            "Abra 'Setup', 'Web-to-Lead': 'Web-to-Lead Enabled' tem de estar marcado e 'Default Lead Creator' "
            "escolhido.",
            "No mesmo lugar, desmarque 'Require reCAPTCHA Verification'.",
            "Se há campos obrigatórios nos leads ('Setup', 'Object Manager', 'Lead', 'Fields & Relationships'), "
            "envie-os por meio da configuração 'fields'; um campo obrigatório do tipo lista de seleção fica melhor "
            "como campo de texto não obrigatório.",
            RESUME,
        ),
    ),
    Kind.SALESFORCE_FORM_NOT_THERE: Text(
        "Quem respondeu não é o Web-to-Lead do Salesforce: a resposta não diz se o lead foi processado.",
        (
            "Defina webto.salesforce.com como servidor do Web-to-Lead, ou test.salesforce.com para uma sandbox.",
            "Se estiver correto, pergunte ao operador se há um proxy entre esta instalação e o Salesforce.",
            RESUME,
        ),
    ),
    Kind.SALESFORCE_DAILY_LIMIT: Text(
        "Estão esgotados os leads que o Web-to-Lead aceita em 24 horas (500, a não ser que o Salesforce tenha "
        "aumentado o limite).",
        (
            "Nada se perde: os leads esperam e seguem à medida que as 24 horas passam.",
            "Se isto acontece com frequência, peça ao Salesforce que aumente o limite e insira-o como "
            "webToLeadDailyLimit, ou insira credenciais REST: a API REST não tem esse limite.",
        ),
    ),
}

_SIGN_IN: Final[dict[Kind, Text]] = {
    Kind.SALESFORCE_DOMAIN_NOT_FOUND: Text(
        "Não existe nenhum My Domain com esse nome.",
        (
            "Abra no Salesforce 'Setup', 'My Domain' e copie 'Current My Domain URL' para as configurações; o endereço "
            "muda quando alguém renomeia o domínio, e uma sandbox tem o seu próprio.",
            RESUME,
        ),
    ),
    Kind.SALESFORCE_APP_REJECTED: Text(
        "O Salesforce não aceita o 'Consumer Key' ou o 'Consumer Secret'.",
        (
            "Abra 'Setup', 'External Client App Manager', a aplicação, 'Settings', 'OAuth Settings', 'Consumer Key and "
            "Secret'.",
            "Copie ambos para as configurações. A chave de uma aplicação nova pode demorar até dez minutos a "
            "funcionar.",
            "Verifique se o My Domain pertence à organização na qual a aplicação foi criada.",
            RESUME,
        ),
    ),
    Kind.SALESFORCE_APP_NOT_ALLOWED: Text(
        "A aplicação não pode entrar por si mesma: o fluxo de credenciais de cliente está desligado ou não tem "
        "nenhuma conta associada.",
        (
            "Abra 'Setup', 'External Client App Manager', a aplicação, 'Settings', 'OAuth Settings': marque 'Enable "
            "Client Credentials Flow'.",
            "Em 'Policies', 'OAuth Policies' marque-o também e escolha a conta em 'Run As'; ela precisa de 'API "
            "Enabled' e do direito de criar leads.",
            VALIDATE,
        ),
    ),
    Kind.SALESFORCE_INACTIVE: Text(
        "A conta com a qual a aplicação trabalha, ou a própria organização, não está ativa.",
        (
            "Abra no Salesforce 'Setup', 'Users': a conta escolhida em 'Run As' tem de estar 'Active' e não pode estar "
            "congelada.",
            "Abra 'Setup', 'Company Information': a organização não pode estar expirada, bloqueada ou marcada para ser "
            "apagada.",
            VALIDATE,
        ),
    ),
    Kind.SALESFORCE_SESSION_REJECTED: Text(
        "O Salesforce emitiu um token de acesso e depois não o aceitou.",
        (
            "Abra 'Setup', 'External Client App Manager', a aplicação, 'Policies': alivie 'IP Relaxation', ou autorize "
            "os endereços desta instalação em 'Login IP Ranges' do perfil da conta escolhida em 'Run As'.",
            "Verifique em 'Setup', 'Session Settings' se as sessões não estão presas a um endereço ou a um domínio.",
            VALIDATE,
        ),
    ),
    Kind.SALESFORCE_API_DISABLED: Text(
        "A API REST não está disponível para esta organização ou conta.",
        (
            "Verifique a edição em 'Setup', 'Company Information': Enterprise, Performance, Unlimited e Developer têm "
            "a API; nas outras é preciso comprá-la, ou retire as credenciais REST das configurações: o Web-to-Lead "
            "funciona sem a API.",
            "Marque 'API Enabled' no perfil ou num conjunto de permissões da conta escolhida em 'Run As'.",
            VALIDATE,
        ),
    ),
    Kind.SALESFORCE_ACCESS_MISSING: Text(
        "A conta com a qual a aplicação trabalha não pode escrever leads.",
        (
            "Abra 'Setup', 'Permission Sets', um conjunto que a conta escolhida em 'Run As' tenha, 'Object Settings', "
            "'Leads': marque 'Read', 'Create' e 'Edit'.",
            "No mesmo lugar, permita 'Edit Access' em cada campo que é enviado, também no de identificador externo.",
            VALIDATE,
        ),
    ),
}

_LIMITS: Final[dict[Kind, Text]] = {
    Kind.SALESFORCE_API_LIMIT: Text(
        "Os pedidos de API das últimas 24 horas estão esgotados, somadas todas as integrações da organização.",
        (
            "Nada se perde: os leads esperam e seguem à medida que as 24 horas passam.",
            "Abra 'Setup', 'Company Information', 'API Requests, Last 24 Hours'; descubra quem os gasta, ou compre "
            "mais.",
        ),
    ),
    Kind.SALESFORCE_CONCURRENCY_LIMIT: Text(
        "Há demasiados pedidos demorados ao mesmo tempo na organização.",
        (
            WAIT,
            "Se o problema continuar, procure gatilhos e fluxos lentos nos leads: o Salesforce conta os pedidos que "
            "passam de 20 segundos.",
        ),
    ),
    Kind.SALESFORCE_ROW_LOCKED: Text(
        "Naquele momento, alguma outra coisa no Salesforce escrevia nos mesmos dados.",
        (WAIT,),
    ),
    Kind.SALESFORCE_NO_ROUTE: Text(
        "A borda da rede do Salesforce não sabe onde este My Domain é servido (420), o que passa quando ele acabou de "
        "ser renomeado ou transferido.",
        (
            WAIT,
            "Se continuar, abra 'Setup', 'My Domain', e compare 'Current My Domain URL' com as configurações.",
            "Se forem iguais, contate o suporte do Salesforce: a borda não tem rota para este endereço.",
        ),
    ),
    Kind.SALESFORCE_STORAGE_FULL: Text(
        "O armazenamento de dados da organização está cheio.",
        ("Abra no Salesforce 'Setup', 'Storage Usage'; apague o que não faz falta, ou compre espaço.", VALIDATE),
    ),
}

_RECORDS: Final[dict[Kind, Text]] = {
    Kind.SALESFORCE_FIELD_UNKNOWN: Text(
        "Um campo enviado não existe nos leads, ou a conta não pode escrever nele.",
        (
            "Leia a evidência: ela indica o campo.",
            "Se ele está na configuração 'fields', compare o seu nome de API com 'Setup', 'Object Manager', 'Lead', "
            "'Fields & Relationships'. Com listas de estados e países, envie CountryCode em vez de Country.",
            "Se ele existe, dê à conta escolhida em 'Run As' o acesso 'Edit Access': 'Setup', 'Permission Sets', "
            "'Object Settings', 'Leads'.",
            RESUME,
        ),
    ),
    Kind.SALESFORCE_EXTERNAL_ID_UNUSABLE: Text(
        "O campo de identificador externo não serve para reconhecer leads.",
        (
            "Abra 'Setup', 'Object Manager', 'Lead', 'Fields & Relationships', o campo: o tipo tem de ser 'Text', com "
            "36 caracteres ou mais, e 'External ID' e 'Unique' têm de estar marcados.",
            "Dê à conta escolhida em 'Run As' o acesso 'Edit Access' a esse campo e compare o nome de API com as "
            "configurações.",
            RESUME,
        ),
    ),
    Kind.SALESFORCE_REQUEST_REJECTED: Text(
        "O Salesforce não consegue ler os dados que resultam destas configurações.",
        (
            "Veja a configuração 'fields': uma data, um número ou uma caixa de seleção precisa de um valor do seu "
            "tipo; peça a pré-visualização dos dados ('preview').",
            RESUME,
        ),
    ),
    Kind.SALESFORCE_NOT_FOUND: Text(
        "O Salesforce não encontra o que as configurações indicam: o objeto dos leads, o campo de identificador "
        "externo, a versão da API ou um item ao qual o lead está ligado.",
        (
            "Compare o campo de identificador externo com 'Setup', 'Object Manager', 'Lead', 'Fields & Relationships'; "
            "a conta escolhida em 'Run As' tem de poder vê-lo.",
            "Se 'fields' contém identificadores de outros itens (proprietário, campanha, tipo), verifique se ainda "
            "existem.",
            RESUME,
        ),
    ),
    Kind.SALESFORCE_RULE_REFUSED: Text(
        "Uma regra da organização recusa este lead: um campo obrigatório, um comprimento, uma lista de seleção ou uma "
        "regra de validação.",
        (
            "Leia a evidência: ela indica o campo e a regra.",
            "Altere-a em 'Setup', 'Object Manager', 'Lead': 'Validation Rules', ou o próprio campo (em vez de uma "
            "lista de seleção obrigatória, é melhor um campo de texto não obrigatório). Ou envie o campo por meio da "
            "configuração 'fields'.",
            "Repita esta entrega.",
        ),
    ),
    Kind.SALESFORCE_AUTOMATION_FAILED: Text(
        "Um fluxo ou gatilho da organização falhou com este lead, e o Salesforce desfez a criação dele.",
        (
            "Leia a evidência e veja em 'Setup', 'Paused and Failed Flow Interviews' e 'Apex Jobs'.",
            "Corrija ou desative o fluxo ou gatilho dos leads e depois repita esta entrega.",
        ),
    ),
    Kind.SALESFORCE_DUPLICATE_RULE: Text(
        "A regra de duplicados da organização barrou este lead: já existe alguém parecido.",
        (
            "Procure o cliente no Salesforce e acrescente ali o lead à mão; os dados estão na página do lead.",
            "Ou abra 'Setup', 'Duplicate Rules', a regra dos leads: em 'Action On Create' escolha 'Allow' sem 'Alert' "
            "e depois repita esta entrega.",
        ),
    ),
    Kind.SALESFORCE_VALUE_TAKEN: Text(
        "Um campo que tem de ser único no Salesforce já tem o valor deste lead em outro lugar.",
        (
            "Leia a evidência: ela indica o campo e onde está o valor.",
            "Desmarque 'Unique' nesse campo em 'Setup', 'Object Manager', 'Lead', ou junte os dois itens; depois "
            "repita a entrega.",
        ),
    ),
    Kind.SALESFORCE_SEVERAL_MATCH: Text(
        "Vários leads no Salesforce têm o identificador deste lead no campo de identificador externo: ele está lá, "
        "mais de uma vez.",
        (
            "Marque 'Unique' no campo de identificador externo em 'Setup', 'Object Manager', 'Lead', 'Fields & "
            "Relationships'.",
            "Procure no Salesforce o identificador do lead e junte o que encontrar. Não é preciso enviar nada de novo.",
        ),
    ),
}

_CONVERTED: Final[dict[Kind, Text]] = {
    Kind.SALESFORCE_LEAD_CONVERTED: Text(
        "Algo no Salesforce tentou alterar um lead que já foi convertido, o que o Salesforce proíbe.",
        (
            "Procure no Salesforce o identificador do lead: um lead que está lá, mesmo convertido, não precisa de mais "
            "nada.",
            "Se não estiver lá, um fluxo ou gatilho dos leads mexeu em outro, já convertido: corrija-o (ele tem de "
            "deixar de fora os leads em que IsConverted é verdadeiro) e depois repita esta entrega.",
        ),
    ),
}

TEXTS: Final[dict[Kind, Text]] = _CONVERTED | _FORM | _SIGN_IN | _LIMITS | _RECORDS
