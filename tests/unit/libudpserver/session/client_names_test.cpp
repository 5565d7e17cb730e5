#include "libudpserver/session/client_names.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using base::LookupAnswer;
using session::ClientNames;
using Ask = ClientNames::Ask;
using Status = LookupAnswer::Status;

namespace {

const base::Instant start{1h};
const base::Address client = *base::parse_address("192.0.2.1");

LookupAnswer answer(Status status, base::Duration ttl, std::vector<std::string> names = {}) {
    LookupAnswer result;
    result.status = status;
    result.ttl = ttl;
    result.names = std::move(names);
    return result;
}

}  // namespace

TEST_CASE("names are known for as long as their answer may be believed [K-63]") {
    ClientNames names(8);
    CHECK(names.find(client, start) == nullptr);
    REQUIRE(names.ask(client) == Ask::now);
    names.answered(client, answer(Status::ok, 10s, {"pc.example.com"}), start);
    REQUIRE(names.find(client, start + 10s) != nullptr);
    CHECK(*names.find(client, start + 10s) == std::vector<std::string>{"pc.example.com"});
    CHECK(names.find(client, start + 10001ms) == nullptr);
    CHECK(!names.failed(client, start));
}

TEST_CASE("a denial is an answer, a look-up without an answer is none") {
    ClientNames names(8);
    names.ask(client);
    names.answered(client, answer(Status::no_data, 10s, {"is not looked at"}), start);
    REQUIRE(names.find(client, start) != nullptr);
    CHECK(names.find(client, start)->empty());
    names.answered(client, answer(Status::server_failure, 5s), start);
    CHECK(names.find(client, start) == nullptr);
    CHECK(names.failed(client, start + 5s));
    CHECK(!names.failed(client, start + 6s));
}

TEST_CASE("an answer with a TTL of 0, or a bad one, can be used at once, and not later") {
    ClientNames names(8);
    names.answered(client, answer(Status::ok, GENERATE(base::Duration(0), base::Duration(-5)), {"a"}), start);
    CHECK(names.find(client, start) != nullptr);
    CHECK(names.find(client, start + 1ms) == nullptr);
    names.answered(client, answer(Status::ok, base::Duration::max(), {"a"}), start);
    CHECK(names.find(client, start + 24h) != nullptr);
    CHECK(names.find(client, start + 25h) == nullptr);
}

TEST_CASE("an address is asked for once, and not too many at a time [K-59]") {
    ClientNames names(2);
    CHECK(names.ask(client) == Ask::now);
    CHECK(names.ask(client) == Ask::asked_already);
    CHECK(names.ask(*base::parse_address("2001:db8::1")) == Ask::now);
    CHECK(names.ask(*base::parse_address("192.0.2.3")) == Ask::too_many);
    CHECK(names.ask(client) == Ask::asked_already);
    names.answered(client, answer(Status::server_failure, 0s), start);
    CHECK(names.asked() == 1);
    CHECK(names.ask(*base::parse_address("192.0.2.3")) == Ask::now);
}

TEST_CASE("an answer names the sessions that wait for it for the log, once") {
    ClientNames names(2);
    names.ask(client);
    names.add_log_only(client, {.slot = 4, .generation = 7});
    const auto told = names.answered(client, answer(Status::ok, 1s, {"a"}), start);
    REQUIRE(told.log_only.size() == 1);
    CHECK(told.log_only[0].slot == 4);
    CHECK(told.log_only[0].generation == 7);
    CHECK(!told.awaited);
    CHECK(names.answered(client, answer(Status::ok, 1s, {"a"}), start).log_only.empty());
}

TEST_CASE("the answer reports once that a datagram waits") {
    ClientNames names(2);
    names.ask(client);
    names.set_awaited(client);
    CHECK(names.ask(client) == Ask::asked_already);
    CHECK(names.answered(client, answer(Status::server_failure, 1s), start).awaited);
    names.ask(client);
    CHECK(!names.answered(client, answer(Status::server_failure, 1s), start).awaited);
}

TEST_CASE("the cache does not grow: the oldest answers give way") {
    ClientNames names(2);
    base::Address address = client;
    for (std::size_t i = 0; i < ClientNames::capacity + 10; ++i) {
        address.bytes[2] = static_cast<std::uint8_t>(i >> 8);
        address.bytes[3] = static_cast<std::uint8_t>(i & 0xff);
        names.answered(address, answer(Status::ok, 1h, {"a"}), start);
    }
    CHECK(names.size() == ClientNames::capacity);
    CHECK(names.find(address, start) != nullptr);
    address.bytes[2] = address.bytes[3] = 0;
    CHECK(names.find(address, start) == nullptr);
}
