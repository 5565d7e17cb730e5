#include "resolvers/hosts_file.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <cstdio>
#include <fstream>

#include "base/log.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

using Addresses = std::vector<base::Address>;
using Words = std::vector<std::string>;

const base::Instant start{1000s};

base::Address address(const char* text) {
    return base::parse_address(text).value();
}

std::string temporary(const char* what) {
    return std::string("resolvers-test-") + what + "-" + std::to_string(::getpid());
}

/// A hosts file with a log: what reading the file wrote, without the time and who wrote it.
struct Logged {
    std::string path = temporary("hosts-file"), log = temporary("hosts-log");
    HostsFile file;
    base::Instant now = start;

    explicit Logged(bool is_logged = true) : file(path, is_logged) {
        base::log::open({.target = base::LogTarget::file, .path = log}, "gw", true);
    }
    ~Logged() {
        base::log::flush_and_close();
        std::remove(log.c_str());
        std::remove(path.c_str());
    }
    Logged(const Logged&) = delete;
    Logged& operator=(const Logged&) = delete;

    /// Under a new name, so that it is another file.
    void write(const std::string& text) const {
        const std::string fresh = path + ".new";
        std::ofstream(fresh) << text;
        REQUIRE(std::rename(fresh.c_str(), path.c_str()) == 0);
    }
    const HostsTable& look() { return file.table(now += 1s); }

    /// What is new in the log.
    Words lines() {
        std::ifstream from(log);
        from.seekg(read_);
        Words all;
        for (std::string line; std::getline(from, line); all.push_back(line.substr(line.find("NAMS"))))
            read_ += static_cast<std::streamoff>(line.size()) + 1;
        return all;
    }

private:
    std::streamoff read_ = 0;
};

}  // namespace

TEST_CASE("a hosts file, also a broken one") {
    const HostsTable table(
        "127.0.0.1\tlocalhost\tLOCALHOST.example # x\r\n"
        "  ::1 localhost\n127.0.0.1 localhost\n"
        "999.1.1.1 bad\nname 127.0.0.1\n192.0.2.1 a..b good\\x fine\n#192.0.2.9 off\n"
        "fe80::1%nowhere0 x\n192.0.2.7 last");
    CHECK(table.addresses("localhost").size() == 2);
    CHECK(table.addresses("localhost.example") == Addresses{address("127.0.0.1")});
    CHECK(table.addresses("fine") == Addresses{address("192.0.2.1")});
    CHECK(table.addresses("last") == Addresses{address("192.0.2.7")});
    for (const char* name : {"bad", "off", "a..b", "x", "127.0.0.1"})
        CHECK(table.addresses(name).empty());
    CHECK(table.names(address("127.0.0.1")) == std::vector<std::string>{"localhost", "localhost.example"});
    CHECK(table.names(address("192.0.2.2")).empty());
    CHECK(HostsTable("").names(address("127.0.0.1")).empty());
}

TEST_CASE("what is passed over in a hosts file is worded, a few times at most") {
    CHECK(HostsTable("127.0.0.1 a b # ..\n\n # x\n10.0.0.1\n").mistakes().empty());
    CHECK(HostsTable("\n127.7.0.300 a\n127.0.0.1 b..c d\n\x1b[2J x").mistakes() ==
          Words{"line 2: '127.7.0.300' is not an address; the line is ignored",
                "line 3: 'b..c' is not a host name; it is ignored",
                "line 4: '\\x1b[2J' is not an address; the line is ignored"});
    std::string text;
    for (int i = 0; i < 9; ++i)
        text += "x\n";
    const auto many = HostsTable(text).mistakes();
    REQUIRE(many.size() == HostsTable::max_mistakes + 1);
    CHECK(many.back() == "and 4 more");
    CHECK(HostsTable(std::string(500, 'x')).mistakes().front().size() < 200);
}

TEST_CASE("a hosts file that is too long is cut behind a whole line") {
    std::string text;
    while (text.size() + 10 < HostsTable::max_size)
        text += "10.0.0.1 a\n";
    const auto whole = text.size();
    text += "10.0.0.2 behind.example\n10.0.0.3 last\n";
    REQUIRE(whole < HostsTable::max_size);
    const HostsTable table(text);
    CHECK(table.names(address("10.0.0.2")).empty());
    CHECK(table.addresses("last").empty());
    CHECK(table.addresses("a").size() == 1);
    CHECK(table.mistakes() == Words{"longer than 1MiB; the rest is ignored"});
    CHECK(HostsTable(text.substr(0, whole)).mistakes().empty());
}

TEST_CASE("that a hosts file cannot be read is logged once, and when it can be again") {
    Logged hosts;
    const std::string who = "hosts file " + hosts.path + ": ";
    CHECK(hosts.look().addresses("a").empty());
    hosts.look();
    CHECK(hosts.lines() == Words{"NAMS-121-W " + who +
                                 "No such file or directory; its names are resolved by the name servers"});
    REQUIRE(::mkdir(hosts.path.c_str(), 0700) == 0);
    hosts.look();
    hosts.look();
    CHECK(hosts.lines() ==
          Words{"NAMS-121-W " + who + "not a regular file; its names are resolved by the name servers"});
    REQUIRE(::rmdir(hosts.path.c_str()) == 0);
    hosts.write("10.0.0.1 a\n");
    CHECK(hosts.look().addresses("a") == Addresses{address("10.0.0.1")});
    hosts.look();
    CHECK(hosts.lines() == Words{"NAMS-111-N " + who + "readable again"});
    REQUIRE(std::remove(hosts.path.c_str()) == 0);
    CHECK(hosts.look().addresses("a").empty());
    CHECK(hosts.lines().size() == 1);
}

TEST_CASE("mistakes in a hosts file are logged whenever it has changed") {
    Logged hosts;
    hosts.write("x y\n10.0.0.1 a\n");
    CHECK(hosts.look().addresses("a").size() == 1);
    hosts.look();
    const Words told{"NAMS-122-W hosts file " + hosts.path +
                     ": line 1: 'x' is not an address; the line is ignored"};
    CHECK(hosts.lines() == told);
    hosts.write("x y\n10.0.0.2 a\n");
    hosts.look();
    CHECK(hosts.lines() == told);
}

TEST_CASE("no hosts file, and one that another process reports, are not logged") {
    Logged hosts(false);
    HostsFile none("");
    CHECK(none.table(start).addresses("localhost").empty());
    hosts.look();
    hosts.write("x\n10.0.0.1 a\n");
    CHECK(hosts.look().addresses("a").size() == 1);
    CHECK(hosts.lines().empty());
}
