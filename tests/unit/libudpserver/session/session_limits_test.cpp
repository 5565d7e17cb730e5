#include "libudpserver/session/session_limits.hpp"

#include <catch2/catch.hpp>

using namespace session;
using base::Duration;
using base::Instant;

namespace {

Instant at(std::int64_t ms) {
    return Instant(Duration{ms});
}

conf::SessionLimits no_limits() {
    conf::SessionLimits limits;
    limits.unanswered = limits.idle = limits.lifetime = Duration{0};
    return limits;
}

Record begun_at(std::int64_t ms) {
    Record record;
    record.created = record.last_client = at(ms);
    record.counters.client_datagrams = 1;
    return record;
}

void answer(Record& record, std::int64_t ms) {
    record.last_server = at(ms);
    ++record.counters.server_datagrams;
}

}  // namespace

TEST_CASE("without limits nothing expires") {
    const Record record = begun_at(1000);
    CHECK(deadline(record, no_limits()) == never);
    CHECK(expired(record, no_limits(), at(1'000'000'000)) == CloseReason::none);
}

TEST_CASE("every datagram in either direction restarts the idle timer [K-36][K-38]") {
    auto limits = no_limits();
    limits.idle = Duration{180};
    Record record = begun_at(1000);
    answer(record, 1100);
    CHECK(deadline(record, limits) == at(1280));
    record.last_client = at(1200);
    CHECK(deadline(record, limits) == at(1380));
    CHECK(expired(record, limits, at(1379)) == CloseReason::none);
    CHECK(expired(record, limits, at(1380)) == CloseReason::idle);
}

TEST_CASE("the lifetime is not extended by traffic [K-38][O-32]") {
    auto limits = no_limits();
    limits.idle = Duration{100};
    limits.lifetime = Duration{500};
    Record record = begun_at(1000);
    record.last_client = at(1450);
    answer(record, 1460);
    CHECK(deadline(record, limits) == at(1500));
    CHECK(expired(record, limits, at(1499)) == CloseReason::none);
    CHECK(expired(record, limits, at(1500)) == CloseReason::lifetime);
}

TEST_CASE("unanswered runs from the client's last datagram until the first reply [K-36]") {
    auto limits = no_limits();
    limits.unanswered = Duration{30};
    limits.idle = Duration{180};
    Record record = begun_at(1000);
    CHECK(deadline(record, limits) == at(1030));
    record.last_client = at(1020);
    CHECK(deadline(record, limits) == at(1050));
    CHECK(expired(record, limits, at(1050)) == CloseReason::unanswered);
    answer(record, 1040);
    CHECK(deadline(record, limits) == at(1220));
    CHECK(expired(record, limits, at(1050)) == CloseReason::none);
}

TEST_CASE("a one-way session waits for no answer: idle counts instead [K-36][K-40]") {
    auto limits = no_limits();
    limits.unanswered = Duration{30};
    limits.idle = Duration{180};
    Record record = begun_at(1000);
    record.type = conf::SessionType::one_way;
    CHECK(deadline(record, limits) == at(1180));
    CHECK(expired(record, limits, at(1180)) == CloseReason::idle);
}

TEST_CASE("of several limits the one that was due first is the reason") {
    auto limits = no_limits();
    limits.unanswered = Duration{100};
    limits.idle = Duration{50};
    limits.lifetime = Duration{70};
    CHECK(expired(begun_at(0), limits, at(500)) == CloseReason::idle);
    limits.lifetime = Duration{50};
    CHECK(expired(begun_at(0), limits, at(500)) == CloseReason::lifetime);
}

TEST_CASE("a limit so large that it would overflow is none") {
    auto limits = no_limits();
    limits.lifetime = Duration::max();
    CHECK(deadline(begun_at(1000), limits) == never);
}

TEST_CASE("fewer bytes than idle-bytes in a window of idle count as idle [O-31]") {
    auto limits = no_limits();
    limits.idle = Duration{100};
    limits.idle_bytes = 1000;
    Record record = begun_at(0);
    IdleWindow window{at(0), 0};
    CHECK(deadline(record, limits, window) == at(100));

    record.counters.client_bytes = 400;
    record.counters.server_bytes = 600;
    record.last_client = at(90);
    CHECK(expired(record, limits, at(99), window) == CloseReason::none);
    CHECK(window.since == at(0));
    CHECK(expired(record, limits, at(100), window) == CloseReason::none);  // just enough: the next window
    CHECK(window.since == at(100));
    CHECK(deadline(record, limits, window) == at(190));  // the plain idle limit comes first

    record.counters.client_bytes += 999;
    record.last_client = at(199);
    CHECK(expired(record, limits, at(199), window) == CloseReason::none);
    CHECK(expired(record, limits, at(200), window) == CloseReason::idle);
}

TEST_CASE("without idle-bytes the window changes nothing [O-31]") {
    auto limits = no_limits();
    limits.idle = Duration{100};
    Record record = begun_at(50);
    IdleWindow window{at(0), 0};
    CHECK(deadline(record, limits, window) == at(150));
    CHECK(expired(record, limits, at(149), window) == CloseReason::none);
    limits.idle = Duration{0};
    limits.idle_bytes = 10;
    CHECK(deadline(record, limits, window) == never);
}

TEST_CASE("a client's datagram beyond its limits opens a new session [K-36][K-37]") {
    auto limits = no_limits();
    Record record = begun_at(0);
    record.counters.client_bytes = 60;
    CHECK(client_datagram(record, limits, 65507) == Admit::forward);
    limits.client_datagrams = 2;
    CHECK(client_datagram(record, limits, 10) == Admit::forward);
    record.counters.client_datagrams = 2;
    CHECK(client_datagram(record, limits, 10) == Admit::new_session);
    limits.client_datagrams = 0;
    limits.client_bytes = 100;
    CHECK(client_datagram(record, limits, 40) == Admit::forward);
    CHECK(client_datagram(record, limits, 41) == Admit::new_session);
    CHECK(client_datagram(record, limits, 100) == Admit::new_session);
}

TEST_CASE("a datagram larger than client-bytes fits no session and is refused [K-36]") {
    auto limits = no_limits();
    limits.client_bytes = 100;
    CHECK(client_datagram(begun_at(0), limits, 101) == Admit::refuse);
    CHECK(client_datagram(Record{}, limits, 101) == Admit::refuse);
    CHECK(client_datagram(Record{}, limits, 100) == Admit::forward);
}

TEST_CASE("empty datagrams count as datagrams [K-47]") {
    auto limits = no_limits();
    limits.client_datagrams = 1;
    CHECK(client_datagram(Record{}, limits, 0) == Admit::forward);
    CHECK(client_datagram(begun_at(0), limits, 0) == Admit::new_session);
}

TEST_CASE("a client's limit is reached by the datagram that fills it [K-37]") {
    auto limits = no_limits();
    Record record = begun_at(0);
    record.counters.client_bytes = 100;
    CHECK_FALSE(client_limit(record, limits) != CloseReason::none);
    limits.client_datagrams = 2;
    limits.client_bytes = 101;
    CHECK_FALSE(client_limit(record, limits) != CloseReason::none);
    limits.client_bytes = 100;
    CHECK(client_limit(record, limits) == CloseReason::client_bytes);
    limits.client_datagrams = 1;
    CHECK(client_limit(record, limits) == CloseReason::client_datagrams);
}

TEST_CASE("a server's datagram over its limits is refused with the reason, overshoot 0 [K-36]") {
    auto limits = no_limits();
    Record record = begun_at(0);
    answer(record, 10);
    record.counters.server_bytes = 90;
    CHECK(server_datagram_refused(record, limits, 65507) == CloseReason::none);
    limits.server_bytes = 100;
    CHECK(server_datagram_refused(record, limits, 10) == CloseReason::none);
    CHECK(server_datagram_refused(record, limits, 11) == CloseReason::server_bytes);
    limits.server_datagrams = 1;
    CHECK(server_datagram_refused(record, limits, 0) == CloseReason::server_datagrams);
}

TEST_CASE("one request, one response: the session ends right after the response [K-37]") {
    auto limits = no_limits();
    limits.client_datagrams = limits.server_datagrams = 1;
    Record record = begun_at(0);
    CHECK(client_limit(record, limits) != CloseReason::none);
    CHECK(server_datagram_refused(record, limits, 512) == CloseReason::none);
    CHECK(reply_limit(record, limits) == CloseReason::none);
    answer(record, 10);
    CHECK(reply_limit(record, limits) == CloseReason::server_datagrams);
    limits.server_datagrams = 2;
    CHECK(reply_limit(record, limits) == CloseReason::none);
    limits.server_bytes = 500;
    record.counters.server_bytes = 500;
    CHECK(reply_limit(record, limits) == CloseReason::server_bytes);
}
