#include <catch2/catch.hpp>
#include <fstream>

#include "base/log.hpp"
#include "resolvers/private_address.hpp"
#include "resolvers/resolv_conf.hpp"
#include "resolvers/settings.hpp"
#include "tests/unit/base/log_directory.hpp"
#include "tests/unit/resolvers/resolver_fixture.hpp"

using namespace resolvers;
using namespace std::chrono_literals;
using Names = std::vector<std::string>;

namespace {

std::string servers(std::string_view text) {
    std::string all;
    for (const auto& server : parse_resolv_conf(text).servers)
        all += (all.empty() ? "" : " ") + base::to_string(server);
    return all;
}

struct TemporaryFile {
    std::string path = "resolvers-test-resolv-conf-" + std::to_string(::getpid());
    explicit TemporaryFile(const std::string& text) { std::ofstream(path) << text; }
    ~TemporaryFile() { std::remove(path.c_str()); }
};

}  // namespace

TEST_CASE("resolv.conf: name servers") {
    CHECK(servers("nameserver 192.0.2.1\nnameserver\t2001:db8::1 \r\n") == "192.0.2.1:53 [2001:db8::1]:53");
    CHECK(servers("nameserver fe80::1%lo") == "[fe80::1%lo]:53");
    CHECK(servers("nameserver fe80::1%nowhere0\nnameserver 192.0.2.2") == "192.0.2.2:53");
    CHECK(servers("nameserver 192.0.2.1\nnameserver 192.0.2.1\n") == "192.0.2.1:53");
    CHECK(servers("nameserver 0.0.0.0\nnameserver ::\n") == "127.0.0.1:53 [::1]:53");
    CHECK(servers("# nameserver 192.0.2.1\n;nameserver 192.0.2.2\nnameserver 192.0.2.3 # x") ==
          "192.0.2.3:53");
    for (const char* bad :
         {"", "nameserver", "nameserver \n192.0.2.1", "nameserver dns.example", "name 1.2.3.4",
          "nameserver 192.0.2.1:53", "nameserver 999.0.2.1", "Nameserver 192.0.2.1"}) {
        CAPTURE(bad);
        CHECK(servers(bad).empty());
    }
}

TEST_CASE("resolv.conf: the last search or domain decides") {
    const auto search = [](std::string_view text) { return parse_resolv_conf(text).search; };
    CHECK(search("search One.Example. two.example\t three.example") ==
          Names{"one.example", "two.example", "three.example"});
    CHECK(search("search a.example\ndomain b.example c.example") == Names{"b.example"});
    CHECK(search("domain b.example\nsearch a.example bad..name c.example") ==
          Names{"a.example", "c.example"});
    CHECK(search("search").empty());
}

TEST_CASE("resolv.conf: dots") {
    const auto dots = [](std::string_view text) { return parse_resolv_conf(text).dots; };
    CHECK(dots("") == 1);
    CHECK(dots("options timeout:3 ndots:2 attempts:5 rotate") == 2);
    CHECK(dots("options ndots:0") == 0);
    CHECK(dots("options ndots:99") == ResolvConf::max_dots);
    CHECK(dots("options ndots:3\noptions timeout:1") == 3);
    for (const char* bad : {"options ndots:", "options ndots:-1", "options ndots:2x", "options ndots",
                            "options ndots:99999999999"})
        CHECK(dots(bad) == 1);
}

TEST_CASE("resolv.conf: whatever is in it, what comes out is bounded") {
    std::string text = "search";
    for (int i = 0; i < 100; ++i)
        text += " d" + std::to_string(i) + ".example";
    for (int i = 0; i < 100; ++i)
        text += "\nnameserver 192.0.2." + std::to_string(i);
    text += std::string(3, '\0') + "\n\xff\xfe\n";
    const auto conf = parse_resolv_conf(text);
    CHECK(conf.servers.size() == ResolvConf::max_servers);
    CHECK(conf.search.size() == ResolvConf::max_search);
    CHECK(read_resolv_conf("/nonexistent/resolv.conf").servers.empty());
    CHECK(read_resolv_conf("/").servers.empty());
    const TemporaryFile file(std::string(ResolvConf::max_size, '\n') + "nameserver 192.0.2.1");
    CHECK(read_resolv_conf(file.path).servers.empty());
}

TEST_CASE("settings of the configuration's names and of on-line look-ups [K-52] [K-63]") {
    conf::Resolver resolver;
    resolver.servers = {base::parse_endpoint("192.0.2.1:5353").value()};
    resolver.conf_timeout = 11s;
    resolver.timeout = 3s;
    const conf::Resolver names = settings_for_configuration(resolver),
                         online = settings_for_lookups(resolver);
    CHECK(names.timeout == 11s);
    CHECK(names.transport == conf::Transport::tcp);
    CHECK(online.timeout == 3s);
    CHECK(online.transport == conf::Transport::udp);
    CHECK(options_for_configuration.max_waiting >
          100'000);  // the configuration's own names are never too many
    CHECK(options_for_lookups.max_lookups >=
          512);  // clients with silent reverse zones must not block the others
    for (const conf::Resolver& one : {names, online}) {
        CHECK(one.servers == resolver.servers);
        CHECK(one.search == Names{});
        CHECK(one.dots == 1u);
    }
    resolver.conf_transport = conf::Transport::udp;
    resolver.transport = conf::Transport::tcp;
    CHECK(settings_for_configuration(resolver).transport == conf::Transport::udp);
    CHECK(settings_for_lookups(resolver).transport == conf::Transport::tcp);
}

TEST_CASE("without configured servers the system's are used, with its search list") {
    const TemporaryFile file("nameserver 192.0.2.53\nsearch a.example\noptions ndots:3\n");
    conf::Resolver resolver;
    auto settings = settings_for_lookups(resolver, file.path);
    CHECK(servers_text(settings) == "#1 192.0.2.53:53 by UDP");
    CHECK(servers_text(settings_for_configuration(resolver, file.path)) == "#1 192.0.2.53:53 by TCP");
    CHECK(settings.search == Names{"a.example"});
    CHECK(settings.dots == 3u);

    resolver.search = Names{};
    resolver.dots = 2;
    settings = settings_for_lookups(resolver, file.path);
    CHECK(settings.search == Names{});
    CHECK(settings.dots == 2u);

    resolver = {};
    resolver.servers = {base::parse_endpoint("192.0.2.1:53").value(),
                        base::parse_endpoint("[2001:db8::1]:54").value()};
    settings = settings_for_lookups(resolver, file.path);
    CHECK(servers_text(settings) == "#1 192.0.2.1:53, #2 [2001:db8::1]:54 by UDP");
    CHECK(settings.search == Names{});
    CHECK(settings.dots == 1u);
    CHECK(servers_text(settings_for_lookups({}, "/nonexistent/resolv.conf")) == "none");
}

TEST_CASE("the log says which servers are used, or that there are none [K-62]") {
    const std::string path = "resolvers-test-log-" + std::to_string(::getpid());
    base::log::open({.target = base::LogTarget::file, .path = path}, "gw", true);
    conf::Resolver settings;
    log_name_servers(settings);
    settings.hosts_file.clear();
    log_name_servers(settings);
    settings.servers = {base::parse_endpoint("192.0.2.1:53").value()};
    log_name_servers(settings);
    base::log::flush_and_close();
    std::ifstream file(path);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    std::remove(path.c_str());
    CHECK(text.find("NAMS-120-W name servers: none; only /etc/hosts is used") != std::string::npos);
    CHECK(text.find("NAMS-120-W name servers: none\n") != std::string::npos);
    CHECK(text.find("NAMS-110-K name servers: #1 192.0.2.1:53 by UDP") != std::string::npos);
}

TEST_CASE("names in or below a domain") {
    const Names domains{"corp.example", "lan", ""};
    for (const char* name : {"corp.example", "a.corp.example", "a.b.corp.example", "lan", "x.lan"})
        CHECK(in_any_domain(name, domains));
    for (const char* name : {"", "example", "acorp.example", "corp.example.com", "xlan", "lan.example"})
        CHECK_FALSE(in_any_domain(name, domains));
    CHECK_FALSE(in_any_domain("x.lan", {}));
}

TEST_CASE("names in private domains may mean private addresses, others not") {
    Fixture fixture;
    fixture.add_server([](EvilServer& server, const Asked& asked) {
        Reply reply(asked.packet);
        if (asked.name == "host.example")
            reply.rcode(3).authority().soa("example", 10, 10);
        else if (asked.name == "alias.example")
            reply.cname("alias.example", "real.corp.example").a("real.corp.example", "10.0.0.2");
        else
            reply.a(asked.name, "10.0.0.1");
        server.send(asked, reply);
    });
    fixture.settings.private_domains = {"corp.example"};
    fixture.settings.search = Names{"example", "corp.example"};
    fixture.start();
    CHECK(text(fixture.ask("a.corp.example")) == "ok 10.0.0.1");
    CHECK(text(fixture.ask("a.corp.example")) == "ok 10.0.0.1");  // from the cache
    CHECK(fixture.ask("a.public.example").status == Answer::refused_private);
    // The name that was found counts, with its search domain; where an alias of it points to does not.
    CHECK(text(fixture.ask("host")) == "ok 10.0.0.1");
    CHECK(fixture.ask("alias.example").status == Answer::refused_private);
}

TEST_CASE("no hosts file at all") {
    Fixture fixture(always("192.0.2.1"));
    fixture.settings.hosts_file.clear();
    fixture.start();
    CHECK(text(fixture.ask("localhost")) == "ok 192.0.2.1");
}

TEST_CASE("what is used of resolv.conf tells when it has changed [D-3]") {
    const LogDirectory folder;
    const std::string file = folder.path("resolv.conf");
    const auto text = [&](const conf::Resolver& resolver, const std::string& content) {
        std::ofstream(file) << content;
        return resolvers::system_text(resolver, file);
    };
    const conf::Resolver system;
    const std::string before = text(system, "nameserver 192.0.2.1\nsearch a.example\n");
    CHECK(text(system, "# comment\nnameserver 192.0.2.1\nsearch a.example\n") == before);
    CHECK(text(system, "nameserver 192.0.2.2\nsearch a.example\n") != before);
    CHECK(text(system, "nameserver 192.0.2.1\nsearch b.example\n") != before);
    CHECK(text(system, "nameserver 192.0.2.1\nsearch a.example\noptions ndots:2\n") != before);
    conf::Resolver own;
    own.servers = {*base::parse_endpoint("192.0.2.53:53")};
    CHECK(text(own, "nameserver 192.0.2.1\n") == text(own, "nameserver 192.0.2.2\n"));
}
