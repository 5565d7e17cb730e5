#include "base/process_title.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/base/forked.hpp"

using namespace base;

namespace {

/// Arguments and environment as the kernel lays them out: one after the other, without gaps.
struct Layout {
    Layout() {
        char* place = block.data();
        for (const char* text : {"prog", "-f", "file.yaml", "A=1", "PATH=/bin"}) {
            pointers.push_back(std::strcpy(place, text));
            place += std::strlen(text) + 1;
        }
        argv = {pointers[0], pointers[1], pointers[2], nullptr};
        environment = {pointers[3], pointers[4], nullptr};
        environ = environment.data();
    }
    std::vector<char> block = std::vector<char>(64, '#');
    std::vector<char*> pointers, argv, environment;
    static constexpr std::size_t used = 5 + 3 + 10 + 4 + 10;
};

}  // namespace

TEST_CASE("the title takes the place of arguments and environment, which keep working") {
    CHECK(in_child([] {
              Layout layout;
              init_process_title(3, layout.argv.data());
              set_process_title("gw", "REG");
              if (std::string(layout.block.data()) != "proxyd: gw [REG]") return 1;
              if (std::string(layout.argv[2]) != "file.yaml") return 2;
              if (::getenv("PATH") == nullptr || std::string(::getenv("PATH")) != "/bin") return 3;
              if (::setenv("B", "2", 1) != 0 || std::string(::getenv("B")) != "2") return 4;
              set_process_title("gw", "");
              if (std::string(layout.block.data()) != "proxyd: gw") return 5;
              char name[17] = {};
              ::prctl(PR_GET_NAME, name, 0, 0, 0);
              return std::string(name) == "proxyd" ? 0 : 6;
          }) == 0);
}

TEST_CASE("a title that is too long is cut and stays inside its area") {
    CHECK(in_child([] {
              Layout layout;
              init_process_title(3, layout.argv.data());
              set_process_title(std::string(1000, 'x'), "REG");
              if (std::strlen(layout.block.data()) != Layout::used - 1) return 1;
              for (std::size_t i = Layout::used; i < layout.block.size(); ++i)
                  if (layout.block[i] != '#') return 2;
              return 0;
          }) == 0);
}

TEST_CASE("without an init only the thread gets its name") {
    CHECK(in_child([] {
              set_process_title("gw", "ACR");
              char name[17] = {};
              ::prctl(PR_GET_NAME, name, 0, 0, 0);
              return std::string(name) == "proxyd[ACR]" ? 0 : 1;
          }) == 0);
}
