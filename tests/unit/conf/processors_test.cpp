#include "conf/processors.hpp"

#include <catch2/catch.hpp>

#include <sched.h>

#include "tests/unit/base/forked.hpp"

using namespace conf;

TEST_CASE("a quota of processor time is rounded up to processors [E-12]") {
    CHECK(processor_quota("200000 100000\n") == 2u);
    CHECK(processor_quota("150000 100000\n") == 2u);
    CHECK(processor_quota("100000 100000") == 1u);
    CHECK(processor_quota("1000 100000") == 1u);
    CHECK(processor_quota("18446744073709551615 1") == 1'000'000u);
    for (const char* text :
         {"max 100000\n", "", "max", "100000", "100000 0", "0 100000", "-1 100000", "1 x"}) {
        INFO(text);
        CHECK_FALSE(processor_quota(text));
    }
}

TEST_CASE("the limits of all groups around a process count [E-12]") {
    CHECK(control_groups("0::/a.slice/b.service\n") ==
          std::vector<std::string>{"/a.slice/b.service", "/a.slice"});
    CHECK(control_groups("4:cpu:/x\n1:name=systemd:/y\n0::/z\n") == std::vector<std::string>{"/z"});
    CHECK(control_groups("0::/\n").empty());
    CHECK(control_groups("4:cpu:/x\n").empty());
    CHECK(control_groups("").empty());
    CHECK(usable_processors(8, {"max 100000\n", "300000 100000\n", ""}) == 3);
    CHECK(usable_processors(2, {"300000 100000\n"}) == 2);
    CHECK(usable_processors(0, {}) == 1);
}

TEST_CASE("workers: auto counts only the processors of the affinity [E-12]") {
    CHECK(in_child([] {
              cpu_set_t set;
              if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
              int first = 0;
              while (!CPU_ISSET(first, &set))
                  ++first;
              CPU_ZERO(&set);
              CPU_SET(first, &set);
              if (::sched_setaffinity(0, sizeof set, &set) != 0) return 2;
              return usable_processors() == 1 ? 0 : 3;
          }) == 0);
}
