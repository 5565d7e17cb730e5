#include "base/log_wire.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace base;
using log::Field;

namespace {

const std::chrono::system_clock::time_point some_time{std::chrono::seconds(1'700'000'000)};

std::string packet(std::string_view body, std::string_view id = msg::debug.id) {
    return log::wire_packet({some_time, id, body}, "REG");
}

}  // namespace

TEST_CASE("a message and a record survive the way to LOG [E-6]") {
    const std::string text = packet(log::wire_message("it\nhappened"));
    const auto message = log::parse_wire(text);
    REQUIRE(message);
    CHECK(message->time == some_time);
    CHECK(message->role == "REG");
    CHECK(message->message == &msg::debug);
    CHECK_FALSE(message->is_record);
    CHECK(message->text == "it\nhappened");  // LOG escapes it
    const std::vector<Field> fields{{"CLIENT", "1.2.3.4:5"}, {"BYTES-CIN", "12", false}, {"USER", ""}};
    const std::string bytes = packet(log::wire_record(fields), msg::session_record.id);
    const auto record = log::parse_wire(bytes);
    REQUIRE(record);
    REQUIRE(record->fields.size() == 3);
    CHECK(record->fields[0].key == "CLIENT");
    CHECK(record->fields[0].value == "1.2.3.4:5");
    CHECK(record->fields[1].value == "12");
    CHECK_FALSE(record->fields[1].quoted);
    CHECK(record->fields[2].quoted);
}

TEST_CASE("no packet is longer than LOG can receive [E-6]") {
    CHECK(packet(log::wire_message(std::string(1'000'000, 'x'))).size() <= log::max_wire_packet);
    const std::vector<Field> fields(60, {"KEY", std::string(100'000, 'x')});
    const std::string bytes = packet(log::wire_record(fields));
    CHECK(bytes.size() <= log::max_wire_packet);
    CHECK(log::parse_wire(bytes)->fields.size() == 60);
}

TEST_CASE("packets of a sender that was taken over are refused or made harmless [F-5]") {
    CHECK_FALSE(log::parse_wire({}));
    CHECK_FALSE(log::parse_wire(packet("Mtext", "XXXX-000-C")));
    CHECK_FALSE(log::parse_wire(packet("")));
    CHECK_FALSE(log::parse_wire(packet("Xtext")));
    CHECK_FALSE(log::parse_wire(packet(log::wire_record({{"A=1\nB", "x"}}))));
    CHECK_FALSE(log::parse_wire(packet(log::wire_record({{"lower", "x"}}))));
    const std::string good = packet(log::wire_record({{"KEY", "value"}}));
    for (std::size_t size = 0; size < good.size(); ++size) {
        const auto line = log::parse_wire({good.data(), size});
        CHECK((!line || line->fields.empty()));
    }
    const auto future = std::chrono::system_clock::now() + std::chrono::hours(24);
    const std::string late = log::wire_packet({future, msg::debug.id, log::wire_message("x")}, "REG");
    const auto parsed = log::parse_wire(late);
    CHECK(parsed->time <= std::chrono::system_clock::now());
}
