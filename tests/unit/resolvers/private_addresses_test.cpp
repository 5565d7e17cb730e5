#include "resolvers/private_addresses.hpp"

#include <catch2/catch.hpp>

#include <fstream>

#include "tests/unit/base/log_directory.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

const base::Instant now{1000s};

std::string forbidden(PrivateAddresses& addresses, const std::string& name,
                      std::initializer_list<const char*> texts) {
    std::vector<base::Address> list;
    for (const char* text : texts)
        list.push_back(*base::parse_address(text));
    const auto found = addresses.forbidden(name, list, now);
    return found ? base::to_string(*found) : "-";
}

conf::Resolver settings() {
    conf::Resolver settings;
    settings.servers = {*base::parse_endpoint("192.0.2.53:53")};
    settings.search = {"lan.example"};
    settings.hosts_file.clear();
    return settings;
}

}  // namespace

TEST_CASE("a private address is forbidden unless the configuration allows it for the name [D-5]") {
    conf::Resolver one = settings();
    one.private_domains = {"lan.example"};
    PrivateAddresses addresses(one);
    CHECK(forbidden(addresses, "www.example.", {"192.0.2.1", "2001:db8::1"}) == "-");
    CHECK(forbidden(addresses, "www.example.", {"192.0.2.1", "10.0.0.1"}) == "10.0.0.1");
    CHECK(forbidden(addresses, "www.example.", {"::1"}) == "::1");
    CHECK(forbidden(addresses, "a.lan.example", {"10.0.0.1"}) == "-");
    CHECK(forbidden(addresses, "a", {"10.0.0.1"}) == "-");  // by the search list
    CHECK(forbidden(addresses, "a.", {"10.0.0.1"}) == "10.0.0.1");
    CHECK(forbidden(addresses, "www.example", {}) == "-");
    one.search->clear();
    PrivateAddresses exact(one);
    CHECK(forbidden(exact, "www.example", {"192.0.2.1", "10.0.0.1"}) == "10.0.0.1");
    one.allow_private = true;
    PrivateAddresses all(one);
    CHECK(forbidden(all, "www.example", {"10.0.0.1"}) == "-");
}

TEST_CASE("what the hosts file says about a name is allowed, and nothing else [D-5]") {
    const LogDirectory folder;
    conf::Resolver one = settings();
    one.hosts_file = folder.path("hosts");
    std::ofstream(one.hosts_file) << "10.0.0.1 gw.example\n";
    PrivateAddresses addresses(one);
    CHECK(forbidden(addresses, "gw.example", {"10.0.0.1"}) == "-");
    CHECK(forbidden(addresses, "gw.example", {"10.0.0.1", "10.0.0.2"}) == "10.0.0.2");
    CHECK(forbidden(addresses, "www.example", {"10.0.0.1"}) == "10.0.0.1");
}
