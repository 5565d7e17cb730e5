#include "base/log_format.hpp"

#include <catch2/catch.hpp>

#include "base/log_escape.hpp"

using namespace base;
using log::Escaping;

namespace {

// 2026-11-22 16:56:34.123 UTC
const std::chrono::system_clock::time_point moment{std::chrono::milliseconds(1'795'366'594'123)};
const log::LineFormat text(LogFormat::text, {"dns-gw", "REG", 1234});
const log::LineFormat json(LogFormat::json, {"dns-gw", "REG", 1234});

std::string line_of(const log::LineFormat& format, const std::string& body) {
    return format.file_line({moment, "UDPS-221-K", body});
}

}  // namespace

TEST_CASE("a text line has time, who, pid, id and text [K-65]") {
    CHECK(line_of(text, text.message_body("REG: ready")) ==
          "2026-11-22T16:56:34.123Z dns-gw[REG] 1234 UDPS-221-K REG: ready\n");
    const log::LineFormat parent(LogFormat::text, {"dns-gw", "", 1});
    CHECK(line_of(parent, "x") == "2026-11-22T16:56:34.123Z dns-gw 1 UDPS-221-K x\n");
}

TEST_CASE("a JSON line is one object with the same parts") {
    CHECK(line_of(json, json.message_body("say \"hi\"\n\\")) ==
          R"({"time":"2026-11-22T16:56:34.123Z","name":"dns-gw","role":"REG","pid":1234,"id":"UDPS-221-K",)"
          R"("message":"say \"hi\"\n\\"})"
          "\n");
    CHECK(line_of(json, json.record_body({})).ends_with("\"id\":\"UDPS-221-K\"}\n"));
}

TEST_CASE("a syslog line has priority, program and pid, and no time of its own") {
    CHECK(text.syslog_line({moment, "UDPS-221-K", "ready"}, 20) ==
          "<166>proxyd[1234]: dns-gw[REG] UDPS-221-K ready");
    CHECK(text.syslog_line({moment, "UDPS-510-C", "x"}, 20).starts_with("<162>"));
    CHECK(text.syslog_line({moment, "UDPS-222-E", "x"}, 20).starts_with("<163>"));
    CHECK(text.syslog_line({moment, "UDPS-226-W", "x"}, 20).starts_with("<164>"));
    CHECK(text.syslog_line({moment, "UDPS-231-N", "x"}, 20).starts_with("<165>"));
    CHECK(text.syslog_line({moment, "LOGS-710-D", "x"}, 3).starts_with("<31>"));
    CHECK(json.syslog_line({moment, "UDPS-221-K", "\"message\":\"x\""}, 20) ==
          R"(<166>proxyd[1234]: {"name":"dns-gw","role":"REG","pid":1234,"id":"UDPS-221-K","message":"x"})");
}

TEST_CASE("facilities are known by their names") {
    CHECK(log::syslog_facility("local4") == 20);
    CHECK(log::syslog_facility("daemon") == 3);
    CHECK(log::syslog_facility("kern") == 0);
    CHECK(log::syslog_facility("local8") == -1);
    CHECK(log::syslog_facility("") == -1);
}

TEST_CASE("no text can forge a line or reach the terminal") {
    CHECK(text.message_body("a\nUDPS-510-C b\r\x1b[2J") == "a\\nUDPS-510-C b\\r\\x1b[2J");
    CHECK(text.message_body("quotes \" and \\ stay") == "quotes \" and \\ stay");
    CHECK(text.message_body(std::string_view("\0\xff", 2)) == "\\x00\\xff");
    CHECK(json.message_body(std::string_view("\0\x1b\xff\x7f", 4)) ==
          R"("message":"\u0000\u001b\\xff\u007f")");
    const log::LineFormat forged(LogFormat::text, {"a\nb", "REG", 1});
    CHECK(line_of(forged, "x").find('\n') == line_of(forged, "x").size() - 1);
}

TEST_CASE("a record is KEY=value pairs, numbers bare and text quoted [K-67]") {
    const std::vector<log::Field> fields{{"CLIENT", "192.0.2.1:53", true},
                                         {"BYTES", "512", false},
                                         {"NAME", "a \"b\" \\ \n", true},
                                         {"EMPTY", "", true}};
    CHECK(text.record_body(fields) == R"(CLIENT="192.0.2.1:53" BYTES=512 NAME="a \"b\" \\ \n" EMPTY="")");
    CHECK(json.record_body(fields) ==
          R"("client":"192.0.2.1:53","bytes":512,"name":"a \"b\" \\ \n","empty":"")");
}

TEST_CASE("what only claims to be a number cannot break a record") {
    for (const auto* number : {"0", "-1", "1.5", "1e9", "1E-3", "18446744073709551615"})
        CHECK(json.record_body({{"N", number, false}}) == std::string("\"n\":") + number);
    for (const auto* word : {"", "-", "01", "1.", ".5", "1e", "0x10", "1 ", "inf", "1}", "+1", "1e+", "--1"})
        CHECK(json.record_body({{"N", word, false}}) == std::string("\"n\":\"") + word + '"');
    CHECK(text.record_body({{"N", "1 M=2", false}}) == "N=\"1 M=2\"");
    CHECK(text.record_body({{"N", "", false}}) == "N=\"\"");
    CHECK(text.record_body({{"N", "a\nb", false}}) == "N=\"a\\nb\"");
}

TEST_CASE("a line has at most 8 KiB, and the cut is marked [K-68]") {
    const std::string longest(100'000, 'x');
    for (const auto* format : {&text, &json}) {
        const auto line = line_of(*format, format->message_body(longest));
        CHECK(line.size() <= log::max_line + 1);
        CHECK(line.size() > log::max_line - 512);
        CHECK(line.find("x…") != line.npos);
        CHECK(format->syslog_line({moment, "UDPS-221-K", format->message_body(longest)}, 23).size() <=
              log::max_line);
    }
    CHECK(json.message_body(longest).ends_with("…\""));
    CHECK(line_of(text, text.message_body(std::string(100'000, '\n'))).size() <= log::max_line + 1);
}

TEST_CASE("a record that is too long keeps all its keys [K-68]") {
    std::vector<log::Field> fields;
    for (int i = 0; i < 20; ++i)
        fields.push_back({"NAME", std::string(5000, 'x'), true});
    fields.push_back({"LAST", "short", true});
    for (const auto* format : {&text, &json}) {
        const auto body = format->record_body(fields);
        CHECK(line_of(*format, body).size() <= log::max_line + 1);
        CHECK(body.ends_with("short\""));
        CHECK(body.find("x…\"") != body.npos);
    }
}

TEST_CASE("a cut never falls inside a character or an escape") {
    CHECK(log::escape("žžžž", 7, Escaping::control) == "žž…");
    CHECK(log::escape("žžž", 6, Escaping::control) == "žžž");
    CHECK(log::escape("\n\n\n\n", 6, Escaping::control) == "\\n…");
    CHECK(log::escape("\"\"\"\"\"", 7, Escaping::quoted) == "\\\"\\\"…");
    CHECK(log::escape("\x01\x01", 11, Escaping::json) == "\\u0001…");
    CHECK(log::escape("abcd", 3, Escaping::control) == "…");
    CHECK(log::escape("", 3, Escaping::control) == "");
}
