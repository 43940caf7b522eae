"""The errors of the Dataverse Web API, each with the status, the code and the text of recorded answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leadkeeper.sandbox.stand_in import Answer

HELP: Final = "http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException"


@dataclass(frozen=True, slots=True)
class DataverseError:
    """One error; ``text`` may name ``{user}``, ``{name}`` and whatever else :func:`refuse` is told."""

    status: int
    code: str
    text: str


class Refused(Exception):
    """The request is answered with ``error``."""

    def __init__(self, error: DataverseError, retry_after: int | None = None, **names: object) -> None:
        super().__init__(error.code)
        self.error = error
        self.retry_after = retry_after
        self.names = names

    def answer(self, *, annotated: bool) -> Answer:
        """The error as it is sent; ``annotated`` when the caller prefers all annotations."""
        text = self.error.text.format(**self.names) if self.names else self.error.text
        body: dict[str, object] = {"code": self.error.code, "message": text}
        if annotated:
            prefix = "@Microsoft.PowerApps.CDS."
            body |= {
                f"{prefix}ErrorDetails.OperationStatus": "0",
                f"{prefix}ErrorDetails.SubErrorCode": "0",
                f"{prefix}HelpLink": f"{HELP}%3a{self.error.code}",
                f"{prefix}TraceText": text,
                f"{prefix}InnerError.Message": text,
            }
        headers = {"OData-Version": "4.0", "Content-Type": "application/json; odata.metadata=minimal"}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return Answer.json(self.error.status, {"error": body}, headers)


_DUPLICATE: Final = "A record was not created or updated because a duplicate of the current record already exists."
_PAYLOAD: Final = (
    "Error identified in Payload provided by the user for Entity :'leads', For more information on this error please "
    "follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ----> InnerException : {reason}"
)

NOT_MEMBER: Final = DataverseError(403, "0x80072560", "The user is not a member of the organization.")
NO_ROLES: Final = DataverseError(
    403,
    "0x80042f09",
    "SecLib::RetrievePrivilegeForUser failed - no roles are assigned to user. Returned hr = -2147209463, User: {user}",
)
PRIVILEGE: Final = DataverseError(
    403,
    "0x80040220",
    "Principal user (Id={user}, type=8, roleCount={roles}, privilegeCount={privileges}, accessMode='4 Non-interactive',"
    " AADObjectId={object}, MetadataCachePrivilegesCount=5000, businessUnitId={unit}), is missing {privilege} privilege"
    " (Id={id}) on OTC={otc} for entity '{entity}'. context.Caller={user}",
)
ACCESS: Final = DataverseError(
    403, "0x80048306", "Principal user (Id={user}, type=8) does not have CreateAccess right(s) for entity 'lead'."
)
FIELD_CREATE: Final = DataverseError(
    403,
    "0x8004F502",
    "Caller user with Id {user} does not have Create permissions for the {name} attribute in the lead entity.",
)
FIELD_UPDATE: Final = DataverseError(
    403,
    "0x8004F507",
    "Caller user with Id {user} does not have Update permissions for the {name} attribute in the lead entity.",
)
DISABLED: Final = DataverseError(
    403, "0x80040225", "The specified user(Id = {user}) is disabled. Consider enabling this user."
)
NO_LICENCE: Final = DataverseError(403, "0x8004D24B", "The user has not been assigned any License")
ADMIN_ONLY: Final = DataverseError(
    403, "0x8004A113", "The environment is in Administration mode. Only users with admin roles may use it."
)
NO_TENANT_ACCESS: Final = DataverseError(403, "0x80044507", "The user does not have access to the tenant.")
TOO_LONG: Final = DataverseError(
    400,
    "0x80044331",
    "A validation error occurred. The length of the '{name}' attribute of the 'lead' entity exceeded the maximum "
    "allowed length of '{limit}'.",
)
OUT_OF_RANGE: Final = DataverseError(
    400,
    "0x8004431A",
    "A validation error occurred. The value {value} of '{name}' on record of type 'lead' is outside the valid range. "
    "Accepted Values: {options}",
)
UNKNOWN_PROPERTY: Final = DataverseError(
    400,
    "0x80060888",
    "The property '{name}' does not exist on type 'Microsoft.Dynamics.CRM.{type}'. Make sure to only use property names"
    " that are defined by the type.",
)
BAD_PAYLOAD: Final = DataverseError(400, "0x80048d19", _PAYLOAD)
BAD_ARGUMENT: Final = DataverseError(400, "0x80040203", "{reason}")
BAD_SYNTAX: Final = DataverseError(400, "0x80060888", "Bad Request - Error in query syntax.")
PLUG_IN: Final = DataverseError(400, "0x80040265", "Leads of this region are handed in by the regional office only.")
NO_READ_ACCESS: Final = DataverseError(
    403, "0x80048306", "Principal user (Id={user}, type=8) does not have ReadAccess right(s) for entity 'lead'."
)
NO_RECORD: Final = DataverseError(404, "0x80040217", "{entity} With Id = {id} Does Not Exist")
NO_KEY: Final = DataverseError(
    404, "0x80060891", "A record with the specified key values does not exist in {entity} entity"
)
NO_ALTERNATE_KEY: Final = DataverseError(
    400, "0x80060888", "The specified key properties are not defined as an alternate key of the lead entity."
)
NO_SEGMENT: Final = DataverseError(404, "0x8006088a", "Resource not found for the segment '{name}'.")
KEYS_EXIST: Final = DataverseError(412, "0x80060892", "A record with matching key values already exists.")
KEYS_EXIST_NO_CODE: Final = DataverseError(412, "", KEYS_EXIST.text)
DUPLICATE_KEY: Final = DataverseError(412, "0x80040237", "Cannot insert duplicate key.")
DUPLICATE_412: Final = DataverseError(412, "0x80040333", _DUPLICATE)
DUPLICATE_500: Final = DataverseError(500, "0x80040333", _DUPLICATE)
VERSION: Final = DataverseError(
    412, "0x80060882", "The version of the existing record doesn't match the RowVersion property provided."
)
NO_METHOD: Final = DataverseError(405, "0x8006088b", "The requested resource does not support http method '{method}'.")
NOT_ACCEPTED: Final = DataverseError(406, "", "The Accept header must allow application/json.")
BAD_BATCH: Final = DataverseError(400, "0x80048d19", "The batch request is not a valid multipart/mixed body.")
NO_MEDIA: Final = DataverseError(415, "", "The request body must be application/json.")
NO_VERSION: Final = DataverseError(400, "", "The {name} header must be 4.0.")
NOT_BUILT: Final = DataverseError(501, "0x80060889", "Not implemented in the sandbox: {what}.")
BAD_STATUS: Final = DataverseError(
    400, "0x80048408", "{status} is not a valid status code for state code LeadState on lead: {state}."
)
REQUESTS: Final = DataverseError(
    429, "0x80072322", "Number of requests exceeded the limit of {limit} over time window of {window} seconds."
)
TIME: Final = DataverseError(
    429,
    "0x80072321",
    "Combined execution time of incoming requests exceeded limit of {limit} milliseconds over time window of {window} "
    "seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
)
CONCURRENT: Final = DataverseError(429, "0x80072326", "Number of concurrent requests exceeded the limit of {limit}.")
SERVICE_BUSY: Final = DataverseError(503, "0x8005F103", "The service is busy. Please try again later.")
SERVICE_THROTTLED: Final = DataverseError(429, "0x80060308", "The service is throttled. Please try again later.")
UNEXPECTED: Final = DataverseError(500, "0x80040216", "An unexpected error occurred.")
SQL_TIMEOUT: Final = DataverseError(
    500, "0x80044151", "SQL timeout expired. The timeout period elapsed prior to completion of the operation."
)


@dataclass(frozen=True, slots=True)
class State:
    """A state of the stand-in in one line, and the error that it means, if it is simply one."""

    about: str
    error: DataverseError | None = None


STATES: Final[Mapping[str, State]] = {
    "notMember": State("nobody is a member of the environment (0x80072560)", NOT_MEMBER),
    "noRoles": State("nobody has a security role (0x80042f09)", NO_ROLES),
    "noRoles401": State("the same with status 401", DataverseError(401, NO_ROLES.code, NO_ROLES.text)),
    "noLicence": State("no user has a licence (0x8004D24B; applications need none)", NO_LICENCE),
    "userDisabled": State("every user is disabled (0x80040225)", DISABLED),
    "adminOnly": State("the environment is in administration mode (0x8004A113)", ADMIN_ONLY),
    "tenantForbidden": State("nobody has access to the tenant (0x80044507)", NO_TENANT_ACCESS),
    "privilegeMissing": State("nobody may create leads (0x80040220)"),
    "accessDenied": State("nobody may create leads, said in another way (0x80048306)", ACCESS),
    "createOnly": State("roles may create leads and nothing else; an upsert wants Write too (0x80040220)"),
    "createOnlyUpsert": State("roles may create leads and nothing else; a create-only upsert is let through"),
    "metadataForbidden": State("nobody may read the environment's metadata (0x80040220)"),
    "fieldForbidden": State("nobody may fill in leadsourcecode (0x8004F502)"),
    "plugInAborts": State("a rule of the organisation refuses every lead (0x80040265)", PLUG_IN),
    "duplicateFound": State("every lead is a duplicate to the organisation's rules (0x80040333)", DUPLICATE_412),
    "duplicateFound500": State("the same with status 500", DUPLICATE_500),
    "upsertCodeEmpty": State("a create-only upsert that meets its record says no code, as the documentation shows"),
    "throttledRequests": State("too many requests (429, 0x80072322)", REQUESTS),
    "throttledTime": State("too much execution time (429, 0x80072321)", TIME),
    "throttledConcurrent": State("too many requests at once (429, 0x80072326)", CONCURRENT),
    "serviceBusy": State("busy (503, 0x8005F103, with Retry-After)", SERVICE_BUSY),
    "serviceThrottled": State("throttled as a whole (429, 0x80060308)", SERVICE_THROTTLED),
    "unexpectedError": State("an unexpected error (500, 0x80040216)", UNEXPECTED),
    "sqlTimeout": State("the database is too slow (500, 0x80044151)", SQL_TIMEOUT),
    "gateway": State("a gateway's 503 page, as HTML"),
    "signInPage": State("a sign-in page where the Web API should be, as HTML"),
    "noAnswer": State("never answers, as an address that is no environment"),
}
