#include "base/pattern.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>

#include "base/unique_fd.hpp"

using base::Pattern;

namespace {

Pattern pattern(std::string_view text) {
    std::string error;
    const auto compiled = Pattern::compile(text, error);
    INFO(text << ": " << error);
    REQUIRE(compiled);
    return *compiled;
}

/// What is written to the standard error output while it lives.
class CaughtErrors {
public:
    CaughtErrors() : saved_(::dup(STDERR_FILENO)), file_(::memfd_create("stderr", 0)) {
        ::dup2(file_.get(), STDERR_FILENO);
    }
    ~CaughtErrors() { ::dup2(saved_.get(), STDERR_FILENO); }
    CaughtErrors(const CaughtErrors&) = delete;
    CaughtErrors& operator=(const CaughtErrors&) = delete;

    [[nodiscard]] long size() const {
        struct stat status {};
        ::fstat(file_.get(), &status);
        return status.st_size;
    }

private:
    base::UniqueFd saved_, file_;
};

}  // namespace

TEST_CASE("a pattern matches the whole name, or not at all [K-63]") {
    const Pattern host = pattern("example\\.com");
    CHECK(host.matches("example.com"));
    for (const auto* other :
         {"example.com.evil.org", "notexample.com", "www.example.com", "example.com.", "exampleXcom",
          "example.com\n", "\nexample.com", "example.com\nexample.com", ""}) {
        INFO(other);
        CHECK_FALSE(host.matches(other));
    }
    CHECK_FALSE(host.matches(std::string_view("example.com\0.evil.org", 21)));
    CHECK_FALSE(host.matches(std::string_view("example.com\0", 12)));
    const Pattern domain = pattern(".*\\.example\\.com");
    CHECK(domain.matches("a.b.example.com"));
    CHECK_FALSE(domain.matches("example.com"));
    CHECK_FALSE(domain.matches("a.example.com.evil.org"));
}

TEST_CASE("anchors and alternatives do not widen what a pattern matches") {
    CHECK(pattern("^example\\.com$").matches("example.com"));
    CHECK_FALSE(pattern("a|b").matches("ab"));
    CHECK_FALSE(pattern("^a|b$").matches("a.evil.org"));
    CHECK_FALSE(pattern("^a|b$").matches("evil.org.b"));
    CHECK_FALSE(pattern("(?m)^example\\.com$").matches("evil.org\nexample.com"));
}

TEST_CASE("upper and lower case are the same") {
    CHECK(pattern("EXAMPLE\\.com").matches("example.COM"));
    CHECK(pattern("[a-c]+").matches("ABC"));
}

TEST_CASE("a dot matches every byte, so that .* leaves no name out") {
    std::string all;
    for (int value = 0; value < 256; ++value)
        all.push_back(static_cast<char>(value));
    CHECK(pattern(".{256}").matches(all));
    CHECK(pattern(".*").matches(""));
}

TEST_CASE("what is no pattern is refused with the reason") {
    for (const auto* bad : {"(", ")", "[a", "a**", "*a", "a{2,1}", "(?P<x", "\\", "a\\1", "(?=a)", "(?<!a)",
                            "a{1001}", "\\8"}) {
        INFO(bad);
        std::string error;
        CHECK_FALSE(Pattern::compile(bad, error));
        CHECK_FALSE(error.empty());
    }
    std::string error;
    CHECK_FALSE(Pattern::compile("host(a", error));
    CHECK(error == "missing ): host(a");
}

TEST_CASE("a pattern that would need too much memory is refused, and says so to its caller only") {
    const CaughtErrors errors;
    for (const auto* big : {"((a{100}){100}){100}", "(.{1000}){1000}", "((x{0,900}){0,900})"}) {
        std::string error;
        CHECK_FALSE(Pattern::compile(big, error));
        CHECK_FALSE(error.empty());
    }
    std::string error;
    CHECK_FALSE(Pattern::compile(std::string(100'000, '('), error));
    CHECK(errors.size() == 0);
}

TEST_CASE("no pattern and no name make a match slow") {
    const std::string as(100'000, 'a');
    const auto begin = std::chrono::steady_clock::now();
    for (const auto* evil : {"(a+)+$", "(a|aa)+$", "(a*)*b", "(.*a){20}b", "(a|a?)+b"}) {
        INFO(evil);
        CHECK_FALSE(pattern(evil).matches(as + "!"));
    }
    CHECK(pattern("(a+)+$").matches(as));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}

TEST_CASE("a match that runs out of its memory is still right, and silent") {
    // Remembers where each of the last 20 bytes was an `a`: 2^20 states.
    const Pattern hungry = pattern(".*a.{20}");
    const CaughtErrors errors;
    std::string name;
    unsigned state = 1;
    for (int i = 0; i < 20'000; ++i)
        name.push_back((state = state * 1664525 + 1013904223) >> 31 != 0 ? 'a' : 'b');
    CHECK(hungry.matches(name + "a" + std::string(20, 'b')));
    CHECK_FALSE(hungry.matches(name + "b" + std::string(20, 'a')));
    CHECK(errors.size() == 0);
}
