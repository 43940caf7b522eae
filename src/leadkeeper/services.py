"""The services that the doors open onto, a group for each room; ``app`` puts them together."""

from __future__ import annotations

from dataclasses import dataclass

from leadkeeper.access.audit import Audit
from leadkeeper.access.hooks import Hooks
from leadkeeper.access.keys import Keys
from leadkeeper.access.marketplace import MarketplaceName
from leadkeeper.access.operator_addresses import OperatorAddresses
from leadkeeper.access.people.room import PeopleRoom
from leadkeeper.access.portal_links import PortalLinks
from leadkeeper.access.provider.sign_in import ProviderSignIns
from leadkeeper.access.rates import Rates
from leadkeeper.access.sign_ins import SignIns
from leadkeeper.access.uses import Uses
from leadkeeper.channels.channels import Channels
from leadkeeper.clock import Clock
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.copying import ConnectionCopies
from leadkeeper.connections.findings import Findings
from leadkeeper.connections.titles import ConnectionTitles
from leadkeeper.inbox.as_sent import SentRecords
from leadkeeper.inbox.attention.attention import Attention
from leadkeeper.inbox.cost import Costs
from leadkeeper.inbox.follow_up.follow_ups import FollowUps
from leadkeeper.inbox.follow_up.punctuality import Punctuality
from leadkeeper.inbox.follow_up.upload import FollowUpUploads
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.lists.acting import BulkRuns
from leadkeeper.inbox.lists.arrivals import Arrivals
from leadkeeper.inbox.lists.columns import LeadLists
from leadkeeper.inbox.lists.selection import Selection
from leadkeeper.inbox.oversight.oversight import Oversight
from leadkeeper.inbox.reading import Reading
from leadkeeper.inbox.redelivery import Redelivery
from leadkeeper.inbox.trace import Trace
from leadkeeper.intake.hook_test import HookTests
from leadkeeper.intake.keep import Intake
from leadkeeper.notices.answers import ContactAnswers
from leadkeeper.notices.confirmations import Confirmations
from leadkeeper.notices.fates import Mails
from leadkeeper.notices.quiet_hours import QuietHours
from leadkeeper.privacy.retention import Retention
from leadkeeper.publishing.branding import Branding
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.publishing.copying import OfferCopies
from leadkeeper.publishing.cross_listing import CrossListings
from leadkeeper.publishing.differences import Differences
from leadkeeper.publishing.logos import OfferLogos
from leadkeeper.publishing.publication import Publication
from leadkeeper.publishing.showcase import Showcase
from leadkeeper.publishing.suspension import Suspensions
from leadkeeper.reconciliation.reconciliation import Reconciliation
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.presence import Peers
from leadkeeper.texts import Languages
from leadkeeper.validation.validator import Validator


@dataclass(frozen=True, slots=True)
class AccessServices:
    """Who may come in, how much they may take, and what they did."""

    keys: Keys
    sign_ins: SignIns
    portal_links: PortalLinks
    hooks: Hooks
    rates: Rates
    uses: Uses
    audit: Audit


@dataclass(frozen=True, slots=True)
class OfferServices:
    """Publishers and their offers, from the draft to what customers see."""

    catalogue: OfferCatalogue
    publication: Publication
    differences: Differences
    copies: OfferCopies
    logos: OfferLogos
    cross_listings: CrossListings
    showcase: Showcase
    suspensions: Suspensions


@dataclass(frozen=True, slots=True)
class LeadServices:
    """What people see of leads, and what they do with them."""

    inbox: Inbox
    trace: Trace
    reading: Reading
    lists: LeadLists
    arrivals: Arrivals
    selection: Selection
    bulk_runs: BulkRuns
    attention: Attention
    sent_records: SentRecords
    redelivery: Redelivery
    follow_ups: FollowUps
    follow_up_uploads: FollowUpUploads
    punctuality: Punctuality
    costs: Costs
    oversight: Oversight


@dataclass(frozen=True, slots=True)
class NoticeServices:
    """What people and customers are told by mail."""

    answers: ContactAnswers
    confirmations: Confirmations
    mails: Mails
    quiet_hours: QuietHours


@dataclass(frozen=True, slots=True)
class Services:
    """One installation's use cases. ``base_url`` starts hook addresses and links; it speaks ``languages``."""

    access: AccessServices
    accounts: PeopleRoom
    provider: ProviderSignIns | None
    marketplace: MarketplaceName
    branding: Branding
    offers: OfferServices
    connections: Connections
    connection_copies: ConnectionCopies
    connection_titles: ConnectionTitles
    findings: Findings
    validator: Validator
    intake: Intake
    hook_tests: HookTests
    leads: LeadServices
    reconciliation: Reconciliation
    retention: Retention
    notices: NoticeServices
    channels: Channels
    storage: Storage
    clock: Clock
    base_url: str
    languages: Languages
    peers: Peers

    @property
    def operator_addresses(self) -> OperatorAddresses:
        """Where operators are told."""
        return self.marketplace.operators
