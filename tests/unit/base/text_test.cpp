#include "base/text.hpp"

#include "base/utf8.hpp"

#include <limits>

#include <catch2/catch.hpp>

using namespace base;
using namespace std::chrono_literals;

TEST_CASE("durations are a whole number and exactly one unit") {
    CHECK(parse_duration("500ms") == 500ms);
    CHECK(parse_duration("30s") == 30s);
    CHECK(parse_duration("5m") == 5min);
    CHECK(parse_duration("1h") == 1h);
    CHECK(parse_duration("1d") == 24h);
    CHECK(parse_duration("0s") == 0s);
    CHECK(parse_duration("9223372036854775807ms") == Duration::max());
    for (const auto* bad :
         {"", "30", "0", "s", "-1s", "+1s", " 1s", "1s ", "1 s", "1.5s", "1h30m", "1S", "1sec", "1w", "0x1s",
          "9223372036854775808ms", "9223372036854775807s", "99999999999999999999d"})
        CHECK_FALSE(parse_duration(bad));
}

TEST_CASE("a duration is written in the form that is read back") {
    CHECK(format_duration(0ms) == "0s");
    CHECK(format_duration(1500ms) == "1500ms");
    CHECK(format_duration(90s) == "90s");
    CHECK(format_duration(120s) == "2m");
    CHECK(format_duration(48h) == "2d");
    CHECK(format_duration(25h) == "25h");
    CHECK(format_duration(-5s) == "-5s");
    for (const auto duration : {Duration(1), Duration(60'000), Duration(86'400'001), Duration::max()})
        CHECK(parse_duration(format_duration(duration)) == duration);
    CHECK(format_duration(Duration::min()) == "-9223372036854775808ms");
}

TEST_CASE("sizes are bytes with an optional binary or decimal unit") {
    CHECK(parse_size("0") == 0u);
    CHECK(parse_size("512") == 512u);
    CHECK(parse_size("64KiB") == 65'536u);
    CHECK(parse_size("1MiB") == 1'048'576u);
    CHECK(parse_size("1GiB") == 1'073'741'824u);
    CHECK(parse_size("64kB") == 64'000u);
    CHECK(parse_size("1MB") == 1'000'000u);
    CHECK(parse_size("1GB") == 1'000'000'000u);
    CHECK(parse_size("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
    for (const auto* bad : {"", "KiB", "-1", "+1", " 1", "1 KiB", "1KiB ", "1.5MB", "1K", "1KB", "1kib", "1B",
                            "1TiB", "18446744073709551616", "17179869184GiB"})
        CHECK_FALSE(parse_size(bad));
}

TEST_CASE("a size is written in its shortest exact form") {
    CHECK(format_size(0) == "0");
    CHECK(format_size(512) == "512");
    CHECK(format_size(65'536) == "64KiB");
    CHECK(format_size(64'000) == "64kB");
    CHECK(format_size(1'000'000) == "1MB");
    CHECK(format_size(65'507) == "65507");
    for (const std::uint64_t size :
         {1ull, 1024ull, 1000ull, 1ull << 40, 3'000'000'000ull, 18446744073709551615ull})
        CHECK(parse_size(format_size(size)) == size);
}

TEST_CASE("foreign text is made safe for a log line") {
    CHECK(printable("plain text") == "plain text");
    CHECK(printable("a\nb\tc\rd") == "a\\nb\\tc\\rd");
    CHECK(printable("say \"no\" \\ yes") == "say \\\"no\\\" \\\\ yes");
    CHECK(printable(std::string_view("\0\x1b[2J\x7f", 6)) == "\\x00\\x1b[2J\\x7f");
    CHECK(printable("Žluťoučký 🐴") == "Žluťoučký 🐴");
    CHECK(printable("") == "");
}

TEST_CASE("bytes that are no visible character are escaped one by one") {
    CHECK(printable("\xff\xfe") == "\\xff\\xfe");
    CHECK(printable("\xc3") == "\\xc3");                             // cut short
    CHECK(printable("\xc3(") == "\\xc3(");                           // no continuation
    CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
    CHECK(printable("\xe0\x80\x80") == "\\xe0\\x80\\x80");           // overlong
    CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // surrogate
    CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above Unicode
    CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");                    // C1: control sequence introducer
    CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");           // right-to-left override
    CHECK(printable("\xe2\x80\xa8") == "\\xe2\\x80\\xa8");           // line separator
}

TEST_CASE("invisible characters are escaped, and named by code point [G-5]") {
    for (const char* text : {"\u00a0", "\u00ad", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202a",
                             "\u202e", "\u2060", "\u2066", "\u2069", "\u3000", "\ufeff", "\U000e0041"}) {
        CHECK(visible_character(text) == 0);
        CHECK(printable(text).starts_with("\\x"));
    }
    for (const char* text : {" ", "~", "ž", "\u00a1", "\u2010", "\u2065", "漢", "\U0001f600"})
        CHECK(visible_character(text) == std::string_view(text).size());
    CHECK(name_of_invisible(first_character("\u00a0").code) == "U+00A0 (no-break space)");
    CHECK(name_of_invisible(first_character("\U000e0041").code) == "U+E0041 (tag)");
    CHECK(first_character("\xff").length == 0);
}

TEST_CASE("long foreign text is cut at a character, and the cut is marked") {
    CHECK(printable("abcdef", 6) == "abcdef");
    CHECK(printable("abcdefg", 6) == "abcde…");
    CHECK(printable("abc\n\n", 5) == "abc…");
    CHECK(printable("žžžžž", 4) == "žžž…");
    CHECK(printable("\n\n\n", 1) == "…");
    CHECK(printable("abc", 0) == "");
    CHECK(printable(std::string(300, 'x')).size() == 199 + std::string_view("…").size());
}

TEST_CASE("the nearest word is found for a slip of the pen only") {
    const std::vector<std::string> keys{"listen-on", "session-acl", "plug-to", "idle", "to", "lifetime"};
    CHECK(nearest("listenon", keys) == "listen-on");
    CHECK(nearest("listen_on", keys) == "listen-on");
    CHECK(nearest("idel", keys) == "idle");
    CHECK(nearest("IDLE", keys) == "idle");
    CHECK(nearest("sesion-acl", keys) == "session-acl");
    CHECK(nearest("lifetiem", keys) == "lifetime");
    CHECK_FALSE(nearest("address", keys));
    CHECK_FALSE(nearest("x", keys));
    CHECK_FALSE(nearest("", keys));
    CHECK_FALSE(nearest("idle", {}));
    CHECK_FALSE(nearest(std::string(10'000, 'a'), keys));
}

TEST_CASE("ASCII letters change case, all other bytes stay") {
    CHECK(lower("SeSSions-Ä9") == "sessions-Ä9");
    CHECK(upper("sigUsr1") == "SIGUSR1");
}

TEST_CASE("texts are joined with the separator between them") {
    CHECK(joined({}).empty());
    CHECK(joined({"a"}) == "a");
    CHECK(joined({"a", "", "a"}, "; ") == "a; ; a");
}
