#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/unit/conf/text_config.hpp"

TEST_CASE("every example prints as a file that loads to the same print") {
    for (const auto& entry : std::filesystem::directory_iterator(PROXYD_SOURCE_DIR "/conf/examples")) {
        INFO(entry.path().string());
        const std::string printed = print(conf::load_file(entry.path(), {"udp"}).config);
        const auto again = load(printed);
        CHECK(lines(again.errors) == "");
        CHECK(print(again.config) == printed);
    }
}

TEST_CASE("the print has the defaults") {
    const std::string printed = print(load(TextConfig{}).config);
    for (const char* line :
         {"proxy: 'udp'", "  to: automatic", "  unanswered-share: 50%", "  receive-buffer: 4MiB",
          "      idle: 3m", "    source-port: system", "    any-port-strict: true"}) {
        INFO(line);
        CHECK(printed.find(std::string(line) + "\n") != std::string::npos);
    }
}

TEST_CASE("quotes in a path survive the print") {
    TextConfig text;
    text.head = "name: t\npid-file: \"/run/it's: #1 \\u00e9.pid\"";
    const auto first = load(text);
    CHECK(first.config.pid_file == "/run/it's: #1 \u00e9.pid");
    CHECK(load(print(first.config)).config.pid_file == first.config.pid_file);
}

TEST_CASE("the fingerprint tells meanings, not ways of writing [K-30]") {
    TextConfig one, same, other;
    same.udpserver = "# a remark\nudpserver:\n  workers: 1\n  max-sessions: 10";
    other.udpserver = "udpserver: {max-sessions: 11}";
    CHECK(fingerprint(load(one).config) == fingerprint(load(same).config));
    CHECK(fingerprint(load(one).config) != fingerprint(load(other).config));
}

TEST_CASE("the order of rules is part of the fingerprint [K-33]") {
    TextConfig one, other;
    const std::string a = "{name: a, from: 10.0.0.1, action: deny}",
                      b = "{name: b, from: 10.0.0.2, action: deny}";
    one.session_acl = "session-acl: [" + a + ", " + b + "]";
    other.session_acl = "session-acl: [" + b + ", " + a + "]";
    CHECK(fingerprint(load(one).config) != fingerprint(load(other).config));
}
