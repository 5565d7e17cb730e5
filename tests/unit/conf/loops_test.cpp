#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/unit/conf/text_config.hpp"

namespace {

/// On a machine with the address 192.0.2.1.
std::string errors_of(const std::string& listen, const std::string& server) {
    TextConfig config;
    config.listen_on = "listen-on: [{address: " + listen + ", port: 5300}]";
    config.session_acl = "session-acl: [{action: accept, plug-to: '" + server + "'}]";
    const conf::System system{{32768, 60999}, 4, {*base::parse_address("192.0.2.1")}};
    return lines(conf::load_text(config.str(), "t.yaml", {"udp"}, system).errors);
}

}  // namespace

TEST_CASE("a server on an address of this machine where a wildcard listens is an error [A-3]") {
    CHECK(errors_of("0.0.0.0", "192.0.2.1:5300") ==
          "t.yaml:4:41: session-acl[1].plug-to[1]: 192.0.2.1:5300 is this proxy's own listen-on[1] (line 3): "
          "its "
          "datagrams would loop\n");
    CHECK(errors_of("0.0.0.0", "192.0.2.1:5301").empty());
    CHECK(errors_of("0.0.0.0", "192.0.2.2:5300").empty());
    CHECK(errors_of("192.0.2.9", "192.0.2.1:5300").empty());
    CHECK(errors_of("'::'", "192.0.2.1:5300").empty());
}

TEST_CASE("the addresses of this machine are read with the system's other properties [A-3]") {
    const std::vector<conf::Address> addresses = conf::System::read().addresses;
    CHECK(std::binary_search(addresses.begin(), addresses.end(), *base::parse_address("127.0.0.1")));
}
