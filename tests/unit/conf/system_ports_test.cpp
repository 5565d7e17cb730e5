#include "conf/system_ports.hpp"

#include <catch2/catch.hpp>

using Ranges = std::vector<conf::PortRange>;

TEST_CASE("the list of reserved ports is read as the kernel writes it [S-3]") {
    CHECK(conf::parse_port_list("\n").empty());
    CHECK(conf::parse_port_list("8080\n") == Ranges{{8080, 8080}});
    CHECK(conf::parse_port_list("8080,9148-9150,65535\n") ==
          Ranges{{8080, 8080}, {9148, 9150}, {65535, 65535}});
    CHECK(conf::parse_port_list("8080,70000") == Ranges{{8080, 8080}});
    CHECK(conf::parse_port_list("9-8").empty());
    CHECK(conf::parse_port_list("x").empty());
}
