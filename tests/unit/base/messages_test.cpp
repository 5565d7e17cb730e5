#include "base/messages.hpp"

#include <cctype>
#include <regex>
#include <set>
#include <string>

#include <catch2/catch.hpp>

using namespace base;

namespace {

bool well_formed(std::string_view id) {
    if (id.size() != 10 || id[4] != '-' || id[8] != '-') return false;
    for (const auto i : {0, 1, 2, 3})
        if (std::isupper(static_cast<unsigned char>(id[static_cast<std::size_t>(i)])) == 0) return false;
    for (const auto i : {5, 6, 7})
        if (std::isdigit(static_cast<unsigned char>(id[static_cast<std::size_t>(i)])) == 0) return false;
    return std::string_view("CEWNIKD").find(id[9]) != std::string_view::npos;
}

}  // namespace

TEST_CASE("every message has a well-formed id that is its alone, and is documented [K-65]") {
    std::set<std::string_view> seen;
    for (const auto* message : all_messages()) {
        INFO(message->id);
        CHECK(well_formed(message->id));
        CHECK(seen.insert(message->id).second);
        CHECK_FALSE(message->meaning.empty());
        CHECK_FALSE(message->remedy.empty());
    }
    CHECK(seen.size() > 40);
}

TEST_CASE("no text of the catalogue cites a document that is not published") {
    const std::regex citation("\\b[A-Z]-[0-9]+\\b");
    for (const auto* message : all_messages()) {
        INFO(message->id);
        CHECK_FALSE(std::regex_search(std::string(message->meaning), citation));
        CHECK_FALSE(std::regex_search(std::string(message->remedy), citation));
    }
}

TEST_CASE("the severity decides the level at which a message is written [K-16]") {
    CHECK(msg::crash_loop.level() == LogLevel::error);
    CHECK(msg::child_died.level() == LogLevel::error);
    CHECK(msg::refused.level() == LogLevel::error);
    CHECK(msg::session_record.level() == LogLevel::error);
    CHECK(msg::running_as_root.level() == LogLevel::warning);
    CHECK(msg::child_ready.level() == LogLevel::normal);
    CHECK(msg::session_opened.level() == LogLevel::debug);
    CHECK(msg::debug.level() == LogLevel::debug);
    CHECK(msg::trace.level() == LogLevel::trace);
    CHECK(msg::crash_loop.severity() == 'C');
}
