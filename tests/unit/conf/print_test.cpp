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

TEST_CASE("names, regular expressions and the resolver survive the print [K-30]") {
    TextConfig text;
    text.head =
        "name: t\nlog: {names: true}\nlists: {a: [Host.Example., \"!~it's[.]bad\", '!~a\"\\\\d:#{2}']}\n"
        "resolver: {servers: ['192.0.2.53', '[2001:db8::1]:54'], search: [], dots: 0, tries: 3, families: "
        "ipv6, conf-transport: udp, transport: tcp, conf-timeout: 1s, timeout: 2s, server-timeout: 3s, "
        "initial-timeout: 4s, connect-timeout: 5s, ttl: {min: 6s, max: 7s}, negative-ttl: {min: 8s, max: "
        "9s}, "
        "stale-max: 0s, negative-grace: 10s, allow-private: [lan, b.example], hosts-file: none, "
        "hold: {datagrams: 1, bytes: 2, sessions: 3, memory: 4}}";
    text.session_acl =
        "session-acl: [{action: accept, from: ['@a', '!host', '~c*'], to: ['!d.example:53', gw.], "
        "plug-to: [{server: 'F.example.:53', weight: 2}, 'g:54'], on-name-change: close}]";
    const auto first = load(text);
    CHECK(lines(first.errors) == "");
    const std::string printed = print(first.config);
    const auto again = load(printed);
    CHECK(lines(again.errors) == "");
    CHECK(print(again.config) == printed);
    CHECK(fingerprint(again.config) == fingerprint(first.config));
    for (const char* part :
         {"  servers: ['192.0.2.53:53', '[2001:db8::1]:54']\n",
          "  search: []\n",
          "  dots: 0\n",
          "  tries: 3\n",
          "  families: ipv6\n",
          "  conf-transport: udp\n",
          "  transport: tcp\n",
          "  conf-timeout: 1s\n",
          "  timeout: 2s\n",
          "  server-timeout: 3s\n",
          "  initial-timeout: 4s\n",
          "  connect-timeout: 5s\n",
          "  ttl: {min: 6s, max: 7s}\n",
          "  negative-ttl: {min: 8s, max: 9s}\n",
          "  stale-max: 0s\n",
          "  negative-grace: 10s\n",
          "  allow-private: ['lan', 'b.example']\n",
          "  hosts-file: none\n",
          "  hold: {datagrams: 1, bytes: 2, sessions: 3, memory: 4}\n",
          "  names: true\n",
          "  'a': ['host.example.', '!~it''s[.]bad', '!~a\"\\\\d:#{2}']\n",
          "    from: ['@a', '!host', '~c*']\n",
          "    to: ['!d.example:53', 'gw.']\n",
          "    plug-to: [{server: 'f.example.:53', weight: 2}, {server: 'g:54', weight: 1}]\n",
          "    on-name-change: close\n"}) {
        INFO(part);
        CHECK(printed.find(part) != std::string::npos);
    }
}

TEST_CASE("what the system decides about names is left out of the print, everything else is in it") {
    const std::string printed = print(load(TextConfig{}).config);
    const auto has = [&](const std::string& part) { return printed.find(part) != std::string::npos; };
    CHECK_FALSE(has("  servers:"));
    CHECK_FALSE(has("  search:"));
    CHECK_FALSE(has("  dots:"));
    CHECK(has("  allow-private: false\n"));
    CHECK(has("  hosts-file: '/etc/hosts'\n"));
    CHECK(has("  hold: {datagrams: 16, bytes: 64KiB, sessions: 1024, memory: 16MiB}\n"));
    CHECK(has("    on-name-change: keep\n"));
    CHECK(has("  names: false\n"));
}
