#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "conf/load.hpp"
#include "conf/system.hpp"

namespace {

[[noreturn]] void fail(const char* claim, const std::string& printed) {
    std::fprintf(stderr, "%s\n%s\n", claim, printed.c_str());
    std::abort();
}

/// A text that loads must print as a text that loads to the same print.
void check_round_trip(const conf::Config& config, const conf::System& system) {
    const std::string printed = conf::print(config);
    const conf::LoadResult again = conf::load_text(printed, "printed", {"udp"}, system);
    for (const conf::Error& error : again.errors)
        std::fprintf(stderr, "%s\n", to_string(error, "printed").c_str());
    if (!again.ok()) fail("the printed configuration does not load", printed);
    if (conf::print(again.config) != printed) fail("the printed configuration loads to another one", printed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const conf::System system{{32768, 60999}, 4};
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const conf::LoadResult result = conf::load_text(text, "fuzz", {"udp"}, system);
    for (const conf::Error& error : result.errors) {
        if (error.text.empty() || to_string(error, "fuzz").empty()) fail("an error without a text", "");
    }
    if (result.ok()) check_round_trip(result.config, system);
    return 0;
}
