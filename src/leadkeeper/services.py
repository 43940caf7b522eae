"""The services that the doors open onto, gathered by ``app``."""

from __future__ import annotations

from dataclasses import dataclass

from leadkeeper.access.audit import Audit
from leadkeeper.access.hooks import Hooks
from leadkeeper.access.keys import Keys
from leadkeeper.access.marketplace import MarketplaceName
from leadkeeper.access.operator_addresses import OperatorAddresses
from leadkeeper.access.people.factor import SecondFactor
from leadkeeper.access.people.links import Links
from leadkeeper.access.people.mailing import LinkMail
from leadkeeper.access.people.people import People
from leadkeeper.access.people.sign_in import PersonSignIns
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
from leadkeeper.inbox.as_sent import SentRecords
from leadkeeper.inbox.attention.attention import Attention
from leadkeeper.inbox.cost import Costs
from leadkeeper.inbox.follow_up.follow_ups import FollowUps
from leadkeeper.inbox.follow_up.punctuality import Punctuality
from leadkeeper.inbox.follow_up.upload import FollowUpUploads
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.lists.arrivals import Arrivals
from leadkeeper.inbox.lists.columns import LeadLists
from leadkeeper.inbox.lists.selection import Selection
from leadkeeper.inbox.oversight.oversight import Oversight
from leadkeeper.inbox.reading import Reading
from leadkeeper.inbox.redelivery import Redelivery
from leadkeeper.inbox.trace import Trace
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
class Services:
    """One installation's use cases. ``base_url`` starts hook addresses and links; it speaks ``languages``."""

    storage: Storage
    keys: Keys
    sign_ins: SignIns
    people: People
    person_sign_ins: PersonSignIns
    second_factor: SecondFactor
    links: Links
    provider: ProviderSignIns | None
    portal_links: PortalLinks
    link_mail: LinkMail
    marketplace: MarketplaceName
    branding: Branding
    audit: Audit
    channels: Channels
    hooks: Hooks
    catalogue: OfferCatalogue
    publication: Publication
    offer_copies: OfferCopies
    offer_logos: OfferLogos
    connection_copies: ConnectionCopies
    suspensions: Suspensions
    oversight: Oversight
    uses: Uses
    cross_listings: CrossListings
    contact_answers: ContactAnswers
    confirmations: Confirmations
    connections: Connections
    findings: Findings
    intake: Intake
    inbox: Inbox
    attention: Attention
    trace: Trace
    reading: Reading
    sent_records: SentRecords
    costs: Costs
    redelivery: Redelivery
    reconciliation: Reconciliation
    retention: Retention
    follow_ups: FollowUps
    follow_up_uploads: FollowUpUploads
    selection: Selection
    lead_lists: LeadLists
    validator: Validator
    rates: Rates
    clock: Clock
    base_url: str
    languages: Languages
    peers: Peers

    @property
    def operator_addresses(self) -> OperatorAddresses:
        """Where operators are told."""
        return self.marketplace.operators

    @property
    def showcase(self) -> Showcase:
        """What customers may see."""
        return Showcase(self.storage)

    @property
    def differences(self) -> Differences:
        """What drafts would change."""
        return Differences(self.storage, self.connections)

    @property
    def mails(self) -> Mails:
        """What became of mails."""
        return Mails(self.storage)

    @property
    def arrivals(self) -> Arrivals:
        """How many leads came since a list was opened."""
        return Arrivals(self.storage, self.inbox)

    @property
    def punctuality(self) -> Punctuality:
        """How many leads somebody turned to in time."""
        return Punctuality(self.storage, self.clock)

    @property
    def quiet_hours(self) -> QuietHours:
        """When people want to be written to."""
        return QuietHours(self.storage)
