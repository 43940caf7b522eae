"""The one way out: a guarded network session for every adapter and for the Azure SDKs.

Interface agreed for adapters (the body of this file is being written):

    @dataclass(frozen=True, slots=True)
    class NetworkPolicy:
        allow_addresses: tuple[IPv4Network | IPv6Network, ...] = ()   # private ranges the operator allows
        hosts: Mapping[str, tuple[str, int | None]] = {}              # host name or *.suffix -> (address, port)
        ca_file: Path | None = None
        total_seconds: float = 30.0
        connect_seconds: float = 10.0
        answer_limit: int = 65_536
        connections: int = 512

    class Network:
        policy: NetworkPolicy
        session: aiohttp.ClientSession     # guarded: resolver, addresses, no redirects, capped answers, no env proxies
        def __init__(self, policy: NetworkPolicy) -> None
        def check_url(self, url: str) -> None    # raises AddressRefused for http, userinfo, literal private addresses
        async def check_reach(self, url: str) -> Check   # steps: url, name resolves, address allowed, TLS
        async def post(self, url, *, data: bytes, headers) -> Answered   # Answered(status, headers, body: bytes)
        async def aclose(self) -> None

    def diagnose_network(error: BaseException, ...) -> Diagnosis
"""
