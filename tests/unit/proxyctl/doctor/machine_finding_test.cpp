#include "proxyctl/doctor/finding.hpp"

#include <catch2/catch.hpp>

using namespace proxyctl;

namespace {

const std::string limits =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max open files            1000                 1048576              files     \n";
const std::string udp =
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref "
    "pointer drops            \n"
    " 1: 0100007F:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000 5\n"
    " 2: 0100007F:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000 7\n"
    " 3: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000 900\n";

bool says(const Finding& finding, Health health, const std::string& what) {
    CAPTURE(finding.what);
    // A remedy where there is something to remedy.
    CHECK(finding.remedy.empty() == (finding.health == Health::ok));
    CHECK_THAT(finding.what, Catch::Contains(what));
    return finding.health == health;
}

}  // namespace

TEST_CASE("open files are checked by their share of the limit") {
    CHECK(says(check_descriptors("REG", limits, 699), Health::ok, "REG: 699 of 1000"));
    CHECK(says(check_descriptors("REG", limits, 700), Health::warn, "700"));
    CHECK(says(check_descriptors("REG", limits, 900), Health::bad, "900"));
    CHECK(says(check_descriptors("REG", "Max open files unlimited unlimited files", 1 << 30), Health::ok,
               "unlimited"));
    CHECK(says(check_descriptors("REG", "", 5), Health::warn, "cannot be read"));
    CHECK(says(check_descriptors("REG", limits, std::nullopt), Health::warn, "open files: cannot be read"));
}

TEST_CASE("socket buffers are checked against the kernel's limit") {
    CHECK(
        says(check_buffer("receive-buffer", 4 << 20, "net.core.rmem_max", "4194304\n"), Health::ok, "4MiB"));
    const Finding finding = check_buffer("receive-buffer", 4 << 20, "net.core.rmem_max", "212992\n");
    CHECK(says(finding, Health::warn, "208KiB"));
    CHECK_THAT(finding.remedy, Catch::Contains("sysctl -w net.core.rmem_max=4194304"));
    CHECK(says(check_buffer("x", 1, "net.core.rmem_max", "many"), Health::warn, "cannot be read"));
}

TEST_CASE("drops are summed over the sockets of the listeners only") {
    CHECK(says(check_drops(udp, {"127.0.0.1:5353"}), Health::warn, "2 listening sockets: 12 datagrams"));
    CHECK(says(check_drops(udp, {"10.0.0.1:53"}), Health::warn, "no listening socket"));
    CHECK(says(check_drops(udp, {"0.0.0.0:53", "rubbish"}), Health::warn, "1 listening sockets: 900"));
    CHECK(says(check_drops("", {"0.0.0.0:53"}), Health::warn, "no listening socket"));
    CHECK(says(check_drops("x\n\n 1: 0100007F:14E9\n", {"127.0.0.1:5353"}), Health::warn,
               "no listening socket"));
}

TEST_CASE("addresses of /proc/net/udp are read in both families") {
    CHECK(base::to_string(*endpoint_of_hex("0100007F:0035")) == "127.0.0.1:53");
    CHECK(base::to_string(*endpoint_of_hex("B80D0120000000000000000001000000:1F90")) == "[2001:db8::1]:8080");
    for (const char* text : {"", ":", "0100007F", "0100007F:", "0100007F:12345", "0100007:0035",
                             "0100007G:0035", "0100007F:00 5"}) {
        CHECK_FALSE(endpoint_of_hex(text));
    }
}

TEST_CASE("ephemeral ports are compared with max-sessions") {
    conf::System system{.ephemeral = {10000, 10999}};
    conf::Config config;
    config.session_acl.resize(2);
    for (conf::Rule& rule : config.session_acl)
        rule.action = conf::Action::accept;
    config.udpserver.max_sessions = 900;
    CHECK(says(*check_ports(system, config), Health::ok, "900 source ports for 900 sessions"));
    config.udpserver.max_sessions = 901;
    CHECK(says(*check_ports(system, config), Health::warn, "900 source ports for 901 sessions"));
    // Reserved ports are counted once, and only those of the range.
    system.reserved = {{9000, 10099}, {10200, 10200}};
    CHECK(says(*check_ports(system, config), Health::warn, "809 source ports for 901 sessions"));
    config.udpserver.server_side = conf::ServerSide::shared;
    config.udpserver.server_ports = {20000, 20899};
    CHECK(
        says(*check_ports(system, config), Health::warn, "900 source ports for 901 sessions: server-ports"));
    config.udpserver.max_sessions = 900;
    CHECK(says(*check_ports(system, config), Health::ok, "server-ports 20000-20899"));
    config.udpserver.server_side = conf::ServerSide::automatic;
    CHECK_FALSE(check_ports(system, config).has_value());
    config.udpserver.server_side = conf::ServerSide::own;
    config.session_acl[0].source_port = conf::PortRange{20000, 29999};
    CHECK(check_ports(system, config).has_value());
    config.session_acl[1].action = conf::Action::deny;
    CHECK_FALSE(check_ports(system, config).has_value());
}

TEST_CASE("children should be unprivileged") {
    const std::string nobody = "Name:\tx\nUid:\t65534\t65534\t65534\t65534\nCapEff:\t0000000000000000\n";
    const std::string root = "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n";
    const std::string capable = "Uid:\t65534\t65534\t65534\t65534\nCapEff:\t0000000000000400\n";
    CHECK(says(check_privileges("REG", nobody, true), Health::ok, "uid 65534"));
    CHECK(says(check_privileges("REG", root, true), Health::bad, "root"));
    CHECK(says(check_privileges("REG", root, false), Health::warn, "root"));
    CHECK(says(check_privileges("REG", capable, true), Health::bad, "capabilities"));
    CHECK(says(check_privileges("REG", "", true), Health::warn, "cannot be read"));
}

TEST_CASE("a crash should leave a core dump") {
    CHECK(says(check_core_pattern("|/lib/systemd/systemd-coredump %P\n"), Health::ok, "systemd-coredump"));
    CHECK(says(check_core_pattern("/var/crash/core\n"), Health::ok, "/var/crash"));
    CHECK(says(check_core_pattern("core\n"), Health::warn, "relative"));
    CHECK(says(check_core_pattern("\n"), Health::warn, "empty"));
}

TEST_CASE("clock and restarts") {
    CHECK(says(check_clock(true, 5400), Health::ok, "5 ms"));
    CHECK(says(check_clock(false, 0), Health::warn, "not synchronised"));
    CHECK(says(check_restarts("REG", 0), Health::ok, "REG"));
    CHECK(says(check_restarts("REG", 2), Health::warn, "2 times"));
    CHECK(says(check_forbidden_calls("REG", 3), Health::bad, "REG: killed 3 times"));
    CHECK(says(check_sandbox("seccomp, Landlock 7, capabilities", true), Health::ok, "Landlock 7"));
    CHECK(says(check_sandbox("off: the configuration says so", false), Health::warn, "off"));
    CHECK(says(check_server_side("own: a socket for each session, because shared is not possible: x"),
               Health::warn, "not possible"));
    CHECK(says(check_server_side("shared: a socket"), Health::ok, "shared"));
    CHECK(says(check_log(0, 0, ""), Health::ok, "LOG"));
    CHECK(says(check_log(7, 60'000, ""), Health::warn,
               "7 log lines were lost since the start, the last 1m00s ago"));
    CHECK(says(check_log(7, 10'700, ""), Health::warn, "the last 10s ago"));
    CHECK(says(check_log(7, 7'200'000, ""), Health::ok, "the last 2h00m ago"));
    CHECK(says(check_log(7, 0, "down: Is a directory"), Health::bad, "LOG down: Is a directory"));
}
