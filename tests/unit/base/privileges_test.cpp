#include "base/privileges.hpp"

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>

#include "base/fatal.hpp"
#include "tests/unit/base/forked.hpp"

using namespace base;

namespace {

std::string status_of_process(const std::string& key) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
    return "";
}

bool refused(const User& user) {
    try {
        drop_privileges(user);
    } catch (const Fatal&) {
        return true;
    }
    return false;
}

}  // namespace

TEST_CASE("an account is found by its name, an unknown one is an error that names it [K-12]") {
    const auto nobody = find_user("nobody");
    CHECK(nobody.uid == 65534);
    CHECK_THROWS_WITH(find_user("no-such-account"), Catch::Contains("no-such-account"));
    CHECK_THROWS_AS(find_user("no-such-account"), Fatal);
    CHECK_THROWS_AS(find_user(""), Fatal);
    CHECK_THROWS_AS(find_user("4294967295"), Fatal);
    CHECK_THROWS_WITH(find_user("a\nb"), Catch::Contains("a\\nb"));
}

TEST_CASE("an account and its group are also numbers, which need no account if there is a group [H-3]") {
    CHECK(find_user("65534").name == "nobody");
    CHECK(find_user("65534").gid == find_user("nobody").gid);
    CHECK(find_user("nobody:daemon").uid == 65534);
    CHECK(find_user("nobody:daemon").gid == 1);
    CHECK(find_user("nobody:54321").gid == 54321);
    const User user = find_user("54321:daemon");
    CHECK(user.uid == 54321);
    CHECK(user.gid == 1);
    CHECK(user.account.empty());
    CHECK_THROWS_WITH(find_user("54321"), Catch::Contains("54321:GROUP"));
    CHECK_THROWS_WITH(find_user("nobody:no-such-group"), Catch::Contains("'no-such-group'"));
    CHECK_THROWS_AS(find_user("nobody:"), Fatal);
    CHECK_THROWS_AS(find_user("nobody:4294967295"), Fatal);
    CHECK_THROWS_AS(find_user("nobody:-1"), Fatal);
}

TEST_CASE("a process becomes a uid without an account, without any other group [H-3]") {
    if (::geteuid() != 0) {
        WARN("not root: not checked");
        return;
    }
    CHECK(in_child([] {
              drop_privileges(find_user("54321:12345"));
              gid_t groups[64];
              const int count = ::getgroups(64, groups);
              return ::getuid() == 54321 && ::getgid() == 12345 && count == 1 && groups[0] == 12345 ? 0 : 1;
          }) == 0);
}

TEST_CASE("dropped privileges are gone for good [K-12]") {
    if (::geteuid() != 0) {
        WARN("not root: not checked");
        return;
    }
    const auto user = find_user("nobody");
    CHECK(in_child([&] {
              drop_privileges(user);
              uid_t real, effective, saved;
              ::getresuid(&real, &effective, &saved);
              if (real != user.uid || effective != user.uid || saved != user.uid) return 1;
              if (::getgid() != user.gid || ::getegid() != user.gid) return 2;
              if (::setuid(0) == 0 || ::seteuid(0) == 0) return 3;
              gid_t groups[64];
              for (int i = ::getgroups(64, groups); i > 0; --i)
                  if (groups[i - 1] == 0) return 4;
              if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 5;
              if (status_of_process("CapEff") != "0000000000000000") return 6;
              if (status_of_process("CapPrm") != "0000000000000000") return 7;
              drop_privileges(user);  // is so already
              return 0;
          }) == 0);
}

TEST_CASE("root as the account, and another account without root, are refused [K-12]") {
    CHECK(in_child([] { return refused({"root", 0, 0, "root"}) ? 0 : 1; }) == 0);
    if (::geteuid() != 0) return;
    CHECK(in_child([] {
              drop_privileges(find_user("nobody"));
              check_can_become(find_user("nobody"));
              try {
                  check_can_become({"daemon", 1, 1, "daemon"});
                  return 2;
              } catch (const Fatal&) {
              }
              return refused({"daemon", 1, 1, "daemon"}) ? 0 : 1;
          }) == 0);
}

TEST_CASE("a process that stays what it is gains nothing by exec either") {
    CHECK(in_child([] {
              forbid_new_privileges();
              return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
          }) == 0);
}

TEST_CASE("a child learns whether its parent is alive when it asks to die with it") {
    const pid_t parent = ::getpid();
    CHECK(in_child([&] {
              if (!die_with_parent(parent, SIGTERM)) return 1;
              int signal = 0;
              ::prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0);
              return signal == SIGTERM ? 0 : 2;
          }) == 0);
    CHECK(in_child([] { return die_with_parent(1'000'000'000, SIGTERM) ? 1 : 0; }) == 0);
    CHECK(in_child([&] { return die_with_parent(parent, 12345) ? 1 : 2; }) == 99);
}

TEST_CASE("an account has all its groups, and a process that becomes it asks for none [E-5]") {
    CHECK(find_user("nobody").groups == std::vector<gid_t>{find_user("nobody").gid});
    if (::geteuid() != 0) {
        WARN("not root: not checked");
        return;
    }
    // No name service knows this account: only what was looked up before counts.
    const User user{"no-such-account", 65534, 65534, "no-such-account", {65534, 54321}};
    CHECK(in_child([&] {
              drop_privileges(user);
              gid_t groups[8];
              if (::getgroups(8, groups) != 2) return 1;
              return groups[0] + groups[1] == 65534 + 54321 ? 0 : 2;
          }) == 0);
}
