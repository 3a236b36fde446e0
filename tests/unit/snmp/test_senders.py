"""The gate before the decoder: who sends too much is not listened to, and nobody else pays for it."""

from fleet.snmp.senders import BURST, MOST_SOURCES, PER_S, Gate


def let_in(gate: Gate, source: str, count: int, now: float) -> int:
    return sum(gate.lets_in(source, now) for _ in range(count))


def test_a_burst_and_then_so_many_each_second() -> None:
    gate = Gate()
    assert let_in(gate, "127.0.0.1", 1000, now=0) == BURST
    assert let_in(gate, "127.0.0.1", 1000, now=10) == 10 * PER_S
    assert let_in(gate, "127.0.0.1", 1000, now=10_000) == BURST


def test_a_storm_of_one_closes_nobody_elses_gate() -> None:
    gate = Gate()
    let_in(gate, "127.0.0.1", 1000, now=0)
    assert gate.lets_in("127.0.0.2", 0)


def test_invented_addresses_share_one_bucket_and_no_more_memory() -> None:
    gate = Gate()
    for number in range(MOST_SOURCES):
        gate.lets_in(f"source-{number}", 0)
    assert sum(gate.lets_in(f"invented-{number}", 0) for number in range(1000)) == BURST
    assert len(gate._buckets) <= MOST_SOURCES + 1


def test_who_was_quiet_for_long_makes_room() -> None:
    gate = Gate()
    for number in range(MOST_SOURCES):
        gate.lets_in(f"source-{number}", 0)
    assert let_in(gate, "new", 1000, now=BURST / PER_S) == BURST
    assert len(gate._buckets) == 1
