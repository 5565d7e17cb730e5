"""The workloads: what the generator sends."""
import dataclasses

OPEN_RATE = 10_000  # new flows a second in the warm-up


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    title: str
    unit: str = "round trip"  # what the processor time is divided by
    rate: int = 0             # datagrams a second; 0: as fast as possible
    flows: int = 0            # 0: each datagram is from a new client
    max_count: int = 0        # at most this many datagrams, whatever the duration
    train: int = 1            # datagrams of one client at a time
    size: int = 64            # bytes of payload
    one_way: bool = False     # the server counts and does not reply
    idle: int = 0             # sessions that are open beside
    newcomers: int = 0        # new clients a second beside

    @property
    def is_new(self):
        return self.flows == 0

    @property
    def is_flood(self):
        return self.one_way and not self.rate

    def count(self, seconds):
        """Datagrams to send; 0: the duration decides."""
        if not self.max_count:
            return 0
        return min(self.max_count, int(self.rate * seconds)) if self.rate else self.max_count

    def sessions(self, seconds):
        """Sessions that are open at the same time, at most, if none expires."""
        return self.idle + (self.flows or self.count(seconds)) + int(self.newcomers * seconds)


# A process may have 20,000 descriptors on many machines, so the workloads with new clients stay below.
NEW = 15_000

WORKLOADS = {workload.name: workload for workload in (
    Workload("flood-100", "flood over 100 flows", "datagram", flows=100, one_way=True),
    Workload("flood-10k", "flood over 10,000 flows", "datagram", flows=10_000, one_way=True),
    Workload("rate-100", "50,000/s over 100 flows", "datagram", rate=50_000, flows=100, one_way=True),
    Workload("rate-10k", "50,000/s over 10,000 flows", "datagram", rate=50_000, flows=10_000, one_way=True),
    Workload("trips-10k", "round trips at 10,000/s, 100 flows", rate=10_000, flows=100),
    Workload("trips-40k", "round trips at 40,000/s, 100 flows", rate=40_000, flows=100),
    Workload("new-10k", "new sessions at 10,000/s", "session", rate=10_000, max_count=NEW),
    Workload("new-40k", "new sessions at 40,000/s", "session", rate=40_000, max_count=NEW),
    Workload("new-burst", "burst of 5,000 new sessions", "session", max_count=5_000),
    Workload("trains", "2,000 trains/s of 10 x 1,200 bytes, 100 flows", rate=20_000, flows=100, train=10, size=1200),
    Workload("idle-15k", "15,000 idle sessions beside 10,000 round trips/s", rate=10_000, flows=100, idle=15_000),
    Workload("idle-200k", "200,000 idle sessions beside 10,000 round trips/s", rate=10_000, flows=100, idle=200_000),
    Workload("newcomers", "10,000 new clients/s beside 10,000 round trips/s of 1,000 sessions", rate=10_000, flows=1_000,
             newcomers=10_000),
)}
