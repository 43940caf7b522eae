"""The tables, defined once for SQLite and PostgreSQL.

Times are whole milliseconds since 1970 UTC. Ids are UUIDv7 texts, so that ordering by id is ordering by time; see
``schema`` for those that the database keeps in 16 bytes.
Rows that the hot paths write (lead, delivery, attempt) carry no foreign keys: the parents are read and locked in the
same transaction and never deleted while children exist, and a key check per row would cost more than the row.
"""

from __future__ import annotations

from leadkeeper.storage.tables.channels import CHANNEL_OFF as CHANNEL_OFF
from leadkeeper.storage.tables.channels import WAITING_EVENT as WAITING_EVENT
from leadkeeper.storage.tables.channels import channel as channel
from leadkeeper.storage.tables.channels import channel_event as channel_event
from leadkeeper.storage.tables.damage import damaged_record as damaged_record
from leadkeeper.storage.tables.inbox import BULK_RUN_UNDER_WAY as BULK_RUN_UNDER_WAY
from leadkeeper.storage.tables.inbox import WITH_WITHHELD as WITH_WITHHELD
from leadkeeper.storage.tables.inbox import bulk_run as bulk_run
from leadkeeper.storage.tables.inbox import day_figure as day_figure
from leadkeeper.storage.tables.inbox import follow_up as follow_up
from leadkeeper.storage.tables.inbox import lead_event as lead_event
from leadkeeper.storage.tables.inbox import list_columns as list_columns
from leadkeeper.storage.tables.inbox import offer_figure as offer_figure
from leadkeeper.storage.tables.inbox import saved_view as saved_view
from leadkeeper.storage.tables.leads import BY_OUTAGE as BY_OUTAGE
from leadkeeper.storage.tables.leads import FOR_A_PERSON as FOR_A_PERSON
from leadkeeper.storage.tables.leads import IN_A_COUNTRY as IN_A_COUNTRY
from leadkeeper.storage.tables.leads import READY as READY
from leadkeeper.storage.tables.leads import SENDING as SENDING
from leadkeeper.storage.tables.leads import SET_ASIDE as SET_ASIDE
from leadkeeper.storage.tables.leads import SHOWN_STATE as SHOWN_STATE
from leadkeeper.storage.tables.leads import UNCONFIRMED as UNCONFIRMED
from leadkeeper.storage.tables.leads import WITHHELD as WITHHELD
from leadkeeper.storage.tables.leads import attempt as attempt
from leadkeeper.storage.tables.leads import clock as clock
from leadkeeper.storage.tables.leads import delivery as delivery
from leadkeeper.storage.tables.leads import evidence as evidence
from leadkeeper.storage.tables.leads import lead as lead
from leadkeeper.storage.tables.leads import lease as lease
from leadkeeper.storage.tables.leads import process as process
from leadkeeper.storage.tables.offers import AT_REST as AT_REST
from leadkeeper.storage.tables.offers import CHECKED as CHECKED
from leadkeeper.storage.tables.offers import CONCERNING as CONCERNING
from leadkeeper.storage.tables.offers import CONNECTION_TITLE as CONNECTION_TITLE
from leadkeeper.storage.tables.offers import FAILED as FAILED
from leadkeeper.storage.tables.offers import IN_ORDER as IN_ORDER
from leadkeeper.storage.tables.offers import ON_SHELF as ON_SHELF
from leadkeeper.storage.tables.offers import PAUSED as PAUSED
from leadkeeper.storage.tables.offers import RUNNING as RUNNING
from leadkeeper.storage.tables.offers import UNWELL as UNWELL
from leadkeeper.storage.tables.offers import connection as connection
from leadkeeper.storage.tables.offers import connection_change as connection_change
from leadkeeper.storage.tables.offers import cross_listing as cross_listing
from leadkeeper.storage.tables.offers import hook as hook
from leadkeeper.storage.tables.offers import offer as offer
from leadkeeper.storage.tables.offers import offer_logo as offer_logo
from leadkeeper.storage.tables.offers import offer_version as offer_version
from leadkeeper.storage.tables.offers import operation as operation
from leadkeeper.storage.tables.offers import publisher as publisher
from leadkeeper.storage.tables.offers import quota_use as quota_use
from leadkeeper.storage.tables.people import UNSEALED as UNSEALED
from leadkeeper.storage.tables.people import WAITING_NOTICE as WAITING_NOTICE
from leadkeeper.storage.tables.people import audit as audit
from leadkeeper.storage.tables.people import audit_head as audit_head
from leadkeeper.storage.tables.people import contact as contact
from leadkeeper.storage.tables.people import declined_mailbox as declined_mailbox
from leadkeeper.storage.tables.people import guess as guess
from leadkeeper.storage.tables.people import identity as identity
from leadkeeper.storage.tables.people import installation as installation
from leadkeeper.storage.tables.people import key as key
from leadkeeper.storage.tables.people import mail_count as mail_count
from leadkeeper.storage.tables.people import membership as membership
from leadkeeper.storage.tables.people import notice as notice
from leadkeeper.storage.tables.people import one_time_link as one_time_link
from leadkeeper.storage.tables.people import person as person
from leadkeeper.storage.tables.people import session as session
from leadkeeper.storage.tables.reconciliation import NOT_ACCEPTED as NOT_ACCEPTED
from leadkeeper.storage.tables.reconciliation import missing_record as missing_record
from leadkeeper.storage.tables.reconciliation import reconciliation as reconciliation
from leadkeeper.storage.tables.retention import retention_left as retention_left
from leadkeeper.storage.tables.retention import retention_walk as retention_walk
from leadkeeper.storage.tables.schema import metadata as metadata
from leadkeeper.storage.tables.searching import search_state as search_state
from leadkeeper.storage.tables.telling import WAITING_MAIL as WAITING_MAIL
from leadkeeper.storage.tables.telling import mail as mail
from leadkeeper.storage.tables.telling import notified_cause as notified_cause
from leadkeeper.storage.tables.under_way import account_use as account_use
from leadkeeper.storage.tables.under_way import publishing_pace as publishing_pace
from leadkeeper.storage.tables.under_way import validation as validation
