#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/unit/conf/text_config.hpp"

namespace {

using namespace std::chrono_literals;
using conf::Config;

const std::string examples = PROXYD_SOURCE_DIR "/conf/examples/";

/// A file in the folder for temporary ones, gone at the end.
struct TemporaryFile {
    std::string path = std::filesystem::temp_directory_path() / ("proxyd-conf-" + std::to_string(::getpid()));
    explicit TemporaryFile(const std::string& text) { std::ofstream(path) << text; }
    ~TemporaryFile() { std::remove(path.c_str()); }
};

}  // namespace

TEST_CASE("every example loads without errors and warnings") {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(examples)) {
        INFO(entry.path().string());
        const auto result = conf::load_file(entry.path(), {"udp"});
        CHECK(lines(result.errors) == "");
        CHECK(lines(result.warnings) == "");
        ++count;
    }
    CHECK(count >= 7);
}

TEST_CASE("the demo has what ./dev run needs") {
    const Config config = conf::load_file(examples + "demo.yaml", {"udp"}).config;
    CHECK(config.name == "demo");
    CHECK(config.udpserver.max_sessions == 1000);
    CHECK(config.log.target == base::LogTarget::standard_error);
    CHECK(to_string(config.listen_on.at(0).address) == "127.0.0.1");
    CHECK(config.listen_on.at(0).port == conf::PortRange{5300, 5300});
    CHECK(to_string(config.session_acl.at(0).plug_to.at(0).endpoint) == "127.0.0.1:5301");
}

TEST_CASE("full.yaml arrives key by key in the configuration") {
    const auto result = conf::load_file(examples + "full.yaml", {"udp"});
    const Config& config = result.config;
    CHECK(config.pid_file == "/run/proxyd/full.pid");
    CHECK(config.log.target == base::LogTarget::syslog);
    CHECK(config.log.on_syslog_failure == base::SyslogFailure::file);
    CHECK(config.log.path == "/var/log/proxyd/full-emergency.log");
    CHECK(config.udpserver.max_restarts.within == 60s);
    CHECK(config.lists.size() == 2);
    CHECK(config.lists[1].items.size() == 5);
    CHECK(config.lists[1].items[4].text == "gw.example.com");
    CHECK(config.listen_on.size() == 3);
    const conf::Rule& rule = config.session_acl.at(0);
    CHECK(rule.name == "office");
    CHECK(rule.from.size() == 3);
    CHECK(rule.from[0].kind == conf::HostItem::Kind::list);
    CHECK(rule.from[0].list == 0);
    CHECK(rule.from[1].negated);
    CHECK(rule.to.size() == 3);
    CHECK(rule.to[1].port == conf::PortRange{53, 53});
    CHECK(rule.time.size() == 2);
    CHECK(rule.dscp.match == std::vector<std::uint8_t>{0, 46});
    CHECK(rule.dscp.to_server == 46);
    CHECK(rule.dscp.to_client == 0);
    CHECK(rule.plug_to.at(0).weight == 1);
    CHECK(rule.plug_to.at(1).weight == 2);
    CHECK(rule.type == conf::SessionType::any_port);
    CHECK(rule.limits.lifetime == 1h);
    CHECK(rule.limits.client_datagrams == 1000);
    CHECK(rule.limits.client_bytes == 65536);
    CHECK(rule.limits.server_bytes == 1'000'000);
    CHECK(rule.limits.idle_bytes == 100);
    CHECK(to_string(*rule.source_address) == "10.0.0.1");
    CHECK(rule.source_port == conf::PortRange{20000, 29999});
    CHECK(config.session_acl.at(1).type == conf::SessionType::broadcast);
    const conf::Rule& branches = config.session_acl.at(2);
    CHECK(branches.from.at(0).text == "branch.example.org");
    CHECK(branches.from.at(1).text == ".*\\.branches\\.example\\.org");
    CHECK(branches.plug_to.at(1).name == "sip.example.org");
    CHECK(branches.on_name_change == conf::OnNameChange::move);
    CHECK(config.session_acl.at(3).action == conf::Action::deny);
    CHECK(config.log.names);
    CHECK(config.resolver.servers.size() == 2);
    CHECK(config.resolver.search->at(0) == "example.com");
    CHECK(config.resolver.private_domains.at(0) == "lan.example.com");
}

TEST_CASE("what the file leaves out has its default") {
    const Config config = load(TextConfig{}).config;
    const Config fresh;
    CHECK(config.proxy == "udp");
    CHECK(config.user.empty());
    CHECK(config.log.target == base::LogTarget::automatic);
    CHECK(config.udpserver.workers == 1);
    CHECK(config.udpserver.receive_buffer == fresh.udpserver.receive_buffer);
    CHECK(config.session_acl.at(0).name == "#1");
    CHECK(config.session_acl.at(0).limits.idle == 180s);
}

TEST_CASE("workers: auto is one for each processor, at most 64") {
    TextConfig text;
    text.udpserver = "udpserver: {max-sessions: 10, workers: auto}";
    CHECK(load(text).config.udpserver.workers == 4);
    CHECK(conf::load_text(text.str(), "t", {"udp"}, {{1, 2}, 200}).config.udpserver.workers == 64);
    CHECK(conf::load_text(text.str(), "t", {"udp"}, {{1, 2}, 0}).config.udpserver.workers == 1);
}

TEST_CASE("levels have names and numbers [K-16]") {
    for (const auto& [word, level] : {std::pair{"warning", base::LogLevel::warning},
                                      {"4", base::LogLevel::warning},
                                      {"9", base::LogLevel::full},
                                      {"normal", base::LogLevel::normal}}) {
        TextConfig text;
        text.head = std::string("name: t\nlog: {level: ") + word + "}";
        CHECK(load(text).config.log.level == level);
    }
}

TEST_CASE("only known proxies are accepted") {
    TextConfig text;
    text.head = "name: t\nproxy: echo";
    CHECK(load(text).config.proxy == "echo");
    CHECK_FALSE(conf::load_text(text.str(), "t", {"udp"}).ok());
}

TEST_CASE("port 0 lets the kernel choose, and two of them do not overlap [L-32]") {
    TextConfig text;
    text.listen_on = "listen-on: [{address: 127.0.0.1, port: 0}, {address: 127.0.0.1, port: 0}]";
    const auto result = load(text);
    CHECK(lines(result.errors) == "");
    CHECK(result.config.listen_on.at(1).port == conf::PortRange{0, 0});
}

TEST_CASE("listeners of both families and neighbouring ranges live together [K-27][K-28]") {
    TextConfig text;
    text.listen_on =
        "listen-on: [{address: 0.0.0.0, port: 50-60}, {address: '::', port: 50-60}, {address: 10.0.0.1, "
        "port: 61}]";
    CHECK(lines(load(text).errors) == "");
}

TEST_CASE("a file that cannot be read says why") {
    CHECK(lines(conf::load_file("/nonexistent/x.yaml", {"udp"}).errors) ==
          "t.yaml: cannot be read: No such file or directory\n");
    CHECK(lines(conf::load_file("/", {"udp"}).errors) == "t.yaml: is a directory\n");
}

TEST_CASE("a file is read whole, and its path is made absolute") {
    const TemporaryFile file(TextConfig{}.str());
    const auto result = conf::load_file(file.path, {"udp"});
    CHECK(lines(result.errors) == "");
    CHECK(result.config.file == file.path);
    const TemporaryFile large(std::string((1u << 20) + 5, '#'));
    CHECK(lines(conf::load_file(large.path, {"udp"}).errors) == "t.yaml: the file is larger than 1 MiB\n");
}

TEST_CASE("a byte order mark and Windows line ends do no harm") {
    TextConfig text;
    std::string dos;
    for (const char c : text.str())
        dos += c == '\n' ? "\r\n" : std::string(1, c);
    CHECK(lines(load("\xef\xbb\xbf" + text.str()).errors) == "");
    CHECK(lines(load(dos).errors) == "");
}
