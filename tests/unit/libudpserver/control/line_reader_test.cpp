#include "libudpserver/control/line_reader.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string_view>

using control::LineReader;

namespace {

/// As much of the text as there is space for; gives the rest.
std::string_view feed(LineReader& reader, std::string_view text) {
    const auto space = reader.space();
    const std::size_t count = std::min(space.size(), text.size());
    std::copy_n(text.begin(), count, space.begin());
    reader.filled(count);
    return text.substr(count);
}

}  // namespace

TEST_CASE("lines come out as they went in, however the stream is cut") {
    const std::string text = "one\ntwo\r\n\nfour and more\n";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        LineReader reader(64);
        std::vector<std::string> lines;
        for (std::size_t at = 0; at < text.size(); at += piece) {
            CHECK(feed(reader, std::string_view(text).substr(at, piece)).empty());
            while (auto line = reader.next())
                lines.push_back(*line);
        }
        CHECK(lines == std::vector<std::string>{"one", "two", "", "four and more"});
        CHECK_FALSE(reader.has_partial_line());
    }
}

TEST_CASE("half a line is no line") {
    LineReader reader(8);
    CHECK_FALSE(reader.has_partial_line());
    feed(reader, "abc");
    CHECK_FALSE(reader.next());
    CHECK(reader.has_partial_line());
    CHECK_FALSE(reader.too_long());
    feed(reader, "\n");
    CHECK(reader.next() == "abc");
    CHECK_FALSE(reader.next());
}

TEST_CASE("a line of the longest length is read, one byte more is too long and takes no more memory") {
    LineReader reader(8);
    CHECK(feed(reader, "12345678\n").empty());
    CHECK_FALSE(reader.too_long());
    CHECK(reader.next() == "12345678");

    CHECK(feed(reader, "123456789\n") == "\n");
    CHECK_FALSE(reader.next());
    CHECK(reader.too_long());
    CHECK(reader.space().empty());
}

TEST_CASE("many short lines fill the space, and it is there again when they are taken") {
    LineReader reader(8);
    CHECK(feed(reader, "a\nb\nc\nd\ne\n") == "\n");
    CHECK(reader.space().empty());
    CHECK_FALSE(reader.too_long());
    for (const char* expected : {"a", "b", "c", "d"})
        CHECK(reader.next() == expected);
    CHECK_FALSE(reader.next());
    CHECK(feed(reader, "\n").empty());
    CHECK(reader.next() == "e");
}

TEST_CASE("NUL and other bytes are bytes of a line") {
    LineReader reader(16);
    const std::string line("a\0b\xff", 4);
    feed(reader, line + "\n");
    CHECK(reader.next() == line);
}
