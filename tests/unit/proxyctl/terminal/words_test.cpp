#include "proxyctl/terminal/words.hpp"

#include <catch2/catch.hpp>

#include "proxyctl/command.hpp"
#include "proxyctl/failure.hpp"

using namespace proxyctl;
using Words = std::vector<std::string>;

TEST_CASE("blanks separate words unless they are quoted or escaped") {
    CHECK(split_words("").empty());
    CHECK(split_words(" \t ").empty());
    CHECK(split_words("  ps  REG\t") == Words{"ps", "REG"});
    CHECK(split_words("a 'b c' \"d 'e\" f\\ g") == Words{"a", "b c", "d 'e", "f g"});
    CHECK(split_words("x'y'z \"a\\\"b\" 'c\\d'") == Words{"xyz", "a\"b", "c\\d"});
    CHECK(split_words("'' a \"\"") == Words{"", "a", ""});
}

TEST_CASE("an unterminated quote and a final backslash are errors") {
    for (const char* line : {"'a", "a \"b", "a\\", "'a\\'b'"})
        CHECK_THROWS_AS(split_words(line), Failure);
}

TEST_CASE("lines and arguments have limits [K-72]") {
    CHECK(split_words(std::string(max_argument, 'x')).size() == 1);
    CHECK_THROWS_WITH(split_words(std::string(max_argument + 1, 'x')), Catch::Contains("maximum 1024"));
    CHECK_NOTHROW(split_words(std::string(max_line, ' ')));
    CHECK_THROWS_WITH(split_words(std::string(max_line + 1, ' ')), Catch::Contains("maximum 4096"));
    CHECK_NOTHROW(check_limits(Words(max_arguments, "a")));
    CHECK_THROWS_WITH(check_limits(Words(max_arguments + 1, "a")),
                      Catch::Contains("too many arguments: 101"));
}

TEST_CASE("a line that is still being typed has a last word, possibly empty") {
    CHECK(words_so_far("") == Words{""});
    CHECK(words_so_far("ps") == Words{"ps"});
    CHECK(words_so_far("ps ") == Words{"ps", ""});
    CHECK(words_so_far("sessions --rule 'a b") == Words{"sessions", "--rule", "a b"});
}
