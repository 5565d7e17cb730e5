#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>

#include "conf/report.hpp"
#include "tests/unit/conf/text_config.hpp"

namespace {

namespace fs = std::filesystem;

/// One case of a table in tests/data/conf/bad: a line `== NAME`, the lines of the file, a line
/// `=> LINE:COLUMN: path: text` for each error, and a blank line before the next case.
struct Case {
    std::string name, yaml, errors;
};

class TableReader {
public:
    void take(const std::string& line) {
        ++number_;
        if (part_ == Part::name)
            begin_case(line);
        else if (line.empty())
            end_case();
        else if (line.starts_with("=> "))
            add_error(line.substr(3));
        else if (part_ == Part::yaml && !line.starts_with("=="))
            cases_.back().yaml += line + "\n";
        else
            fail("expected '=> ERROR' or a blank line");
    }

    std::vector<Case> finish() {
        if (part_ != Part::name) end_case();
        if (cases_.empty()) fail("no case");
        return std::move(cases_);
    }

private:
    enum class Part { name, yaml, errors };

    [[noreturn]] void fail(const std::string& why) const {
        throw std::runtime_error("line " + std::to_string(number_) + ": " + why);
    }

    void begin_case(const std::string& line) {
        const std::string name = line.substr(std::min<std::size_t>(line.size(), 3));
        const bool is_word = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == name.npos;
        if (!line.starts_with("== ") || name.empty() || !is_word) fail("expected '== NAME'");
        cases_.push_back({name, "", ""});
        part_ = Part::yaml;
    }

    void add_error(const std::string& error) {
        if (cases_.back().yaml.empty()) fail("a case without a configuration");
        if (error.size() < 10) fail("an error without a text");
        cases_.back().errors += error + "\n";
        part_ = Part::errors;
    }

    void end_case() {
        if (part_ != Part::errors) fail("a case without an expected error");
        part_ = Part::name;
    }

    std::vector<Case> cases_;
    Part part_ = Part::name;
    int number_ = 0;
};

std::vector<Case> read_table(std::istream&& text) {
    TableReader reader;
    for (std::string line; std::getline(text, line);)
        reader.take(line);
    return reader.finish();
}

std::vector<Case> read_table(const std::string& text) {
    return read_table(std::istringstream(text));
}

/// The cases of all tables. A name that is used twice would hide which case failed.
std::vector<Case> all_cases() {
    std::vector<Case> all;
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(PROXYD_SOURCE_DIR "/tests/data/conf/bad")) {
        INFO(entry.path());
        REQUIRE(entry.path().extension() == ".cases");
        for (Case& one : read_table(std::ifstream(entry.path(), std::ios::binary))) {
            if (!names.insert(one.name).second) throw std::runtime_error("two cases are named " + one.name);
            all.push_back(std::move(one));
        }
    }
    return all;
}

/// `LINE:COLUMN: path: text`, as the tables have it.
std::string reported(const conf::LoadResult& result) {
    std::string text;
    for (const conf::Error& error : result.errors)
        text += to_string(error, "").substr(1) + "\n";
    return text;
}

}  // namespace

TEST_CASE(
    "every bad file gets exactly the errors of its case [G-1][G-2][G-5][K-24][K-25][K-29][K-35][K-43]") {
    const auto cases = all_cases();
    REQUIRE(cases.size() >= 170);
    for (const Case& bad : cases) {
        INFO(bad.name);
        const conf::LoadResult result = load(bad.yaml);
        CHECK(reported(result) == bad.errors);
        CHECK_FALSE(result.ok());
    }
}

TEST_CASE("a broken table of cases is refused") {
    const auto cases =
        read_table("== a\nx: 1\ny: 2\n=> 1:1: x: wrong\n=> 2:1: y: wrong\n\n== b\n-\n=> 1:1: wrong\n");
    REQUIRE(cases.size() == 2);
    CHECK(cases[0].yaml == "x: 1\ny: 2\n");
    CHECK(cases[0].errors == "1:1: x: wrong\n2:1: y: wrong\n");
    CHECK(cases[1].name == "b");
    for (const char* broken : {
             "",                                            // no case
             "x: 1\n=> 1:1: wrong\n",                       // no name
             "== \nx: 1\n=> 1:1: x: wrong\n",               // an empty name
             "== a b\nx: 1\n=> 1:1: x: wrong\n",            // a name of two words
             "== a\n=> 1:1: x: wrong\n",                    // no configuration
             "== a\nx: 1\n",                                // no error at the end of the table
             "== a\nx: 1\n\ny: 2\n=> 1:1: x: wrong\n",      // a blank line in the configuration
             "== a\nx: 1\n== b\ny: 1\n=> 1:1: x: wrong\n",  // no error and no blank line
             "== a\nx: 1\n=> 1:1: x: wrong\n== b\n",        // no blank line
             "== a\nx: 1\n=> 1:1: x: wrong\ny: 1\n",        // lines after the errors
             "== a\nx: 1\n=> \n",                           // an empty error
             "== a\nx: 1\n=> 1:1: x: wrong\n\n\n== b\nx: 1\n=> 1:1: x: wrong\n",  // two blank lines
         }) {
        INFO(broken);
        CHECK_THROWS_AS(read_table(broken), std::runtime_error);
    }
}

TEST_CASE("an error is printed as file:line:column: path: text") {
    CHECK(to_string(conf::Error{3, 5, "log.to", "bad"}, "a.yaml") == "a.yaml:3:5: log.to: bad");
    CHECK(to_string(conf::Error{3, 5, "", "bad"}, "a.yaml") == "a.yaml:3:5: bad");
    CHECK(to_string(conf::Error{0, 0, "", "bad"}, "a\nb") == "a\\nb: bad");
    CHECK(conf::with_hint("x", "", "") == "x");
    CHECK(conf::with_hint("x", "y", "") == "x (expected y)");
    CHECK(conf::with_hint("x", "", "lan", {"lam"}) == "x (did you mean 'lam'?)");
    CHECK(conf::with_hint("x", "y", "lan", {"lam"}) == "x (expected y; did you mean 'lam'?)");
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
    TextConfig config;
    for (int i = 0; i < 300; ++i)
        config.head += "\nk" + std::to_string(i) + ": 1";
    const auto result = load(config);
    REQUIRE(result.errors.size() == 201);
    CHECK(result.errors[199].path == "k199");
    CHECK(result.errors.back().text == "more than 200 errors; the rest are not shown");
}

TEST_CASE("bytes of no text are refused with their place") {
    CHECK(lines(load(std::string("name: t\n\0", 9)).errors) ==
          "t.yaml:2:1: invalid character '\\x00' (expected visible UTF-8)\n");
    CHECK(lines(load("name: \xc0\xaf").errors) ==
          "t.yaml:1:7: invalid character '\\xc0' (expected visible UTF-8)\n");
    CHECK(lines(load("\xff\xfe"
                     "n")
                    .errors) == "t.yaml:1:1: invalid character '\\xff' (expected visible UTF-8)\n");
}
