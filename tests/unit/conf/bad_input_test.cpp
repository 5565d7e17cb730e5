#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "conf/report.hpp"
#include "tests/unit/conf/text_config.hpp"

namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> cases() {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(PROXYD_SOURCE_DIR "/tests/data/conf/bad")) {
        if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

/// `LINE:COLUMN: path: text`, as the .expected file beside each case has it.
std::string told(const conf::LoadResult& result) {
    std::string text;
    for (const conf::Error& error : result.errors)
        text += to_string(error, "").substr(1) + "\n";
    return text;
}

}  // namespace

TEST_CASE("every bad file gets exactly the errors that stand beside it [K-24][K-25][K-29][K-35][K-43]") {
    const auto paths = cases();
    REQUIRE(paths.size() >= 50);
    for (const fs::path& path : paths) {
        INFO(path.filename());
        const conf::LoadResult result = load(contents(path));
        fs::path expected = path;
        CHECK(told(result) == contents(expected.replace_extension(".expected")));
        CHECK_FALSE(result.ok());
    }
}

TEST_CASE("every case of bad input has its expectation, and no expectation is empty") {
    for (fs::path path : cases()) {
        INFO(path.filename());
        CHECK(contents(path.replace_extension(".expected")).size() > 10);
    }
}

TEST_CASE("an error is told as file:line:column: path: text") {
    CHECK(to_string(conf::Error{3, 5, "log.to", "bad"}, "a.yaml") == "a.yaml:3:5: log.to: bad");
    CHECK(to_string(conf::Error{3, 5, "", "bad"}, "a.yaml") == "a.yaml:3:5: bad");
    CHECK(to_string(conf::Error{0, 0, "", "bad"}, "a\nb") == "a\\nb: bad");
    CHECK(conf::advise("x", "", "") == "x");
    CHECK(conf::advise("x", "y", "") == "x (expected y)");
    CHECK(conf::advise("x", "", "lan", {"lam"}) == "x (did you mean 'lam'?)");
    CHECK(conf::advise("x", "y", "lan", {"lam"}) == "x (expected y; did you mean 'lam'?)");
}

TEST_CASE("all errors of a file come in one run, sorted by place") {
    const auto result =
        load("session-acl: [{action: maybe}]\nlisten-on: []\nudpserver: {max-sessions: 0}\nname: 'a b'\n");
    REQUIRE(result.errors.size() == 4);
    for (int line = 1; line <= 4; ++line)
        CHECK(result.errors[static_cast<std::size_t>(line - 1)].line == line);
}

TEST_CASE("a file larger than 1 MiB is refused before it is read as YAML") {
    const auto result = load(std::string((1u << 20) + 1, '#'));
    CHECK(lines(result.errors) == "t.yaml: the file is larger than 1 MiB\n");
    CHECK(load(TextConfig{}.str() + "#" + std::string(900'000, 'x')).ok());
}

TEST_CASE("a file of very many values is refused") {
    std::string list = "name: [";
    for (int i = 0; i < 250'001; ++i)
        list += "1,";
    const auto result = load(list + "]\n");
    REQUIRE(result.errors.size() == 1);
    CHECK(result.errors[0].text == "the file has more than 250000 values");
}

TEST_CASE("more than 200 errors are cut with a last word") {
    const auto result = load(contents(PROXYD_SOURCE_DIR "/tests/data/conf/bad/two-hundred.yaml"));
    REQUIRE(result.errors.size() == 201);
    CHECK(result.errors.back().text == "more than 200 mistakes; the rest is not shown");
}

TEST_CASE("bytes of no text are refused with their place") {
    CHECK(lines(load(std::string("name: t\n\0", 9)).errors) ==
          "t.yaml:2:1: '\\x00' begins no visible UTF-8 character\n");
    CHECK(lines(load("name: \xc0\xaf").errors) == "t.yaml:1:7: '\\xc0' begins no visible UTF-8 character\n");
    CHECK(lines(load("\xff\xfe"
                     "n")
                    .errors) == "t.yaml:1:1: '\\xff' begins no visible UTF-8 character\n");
}
