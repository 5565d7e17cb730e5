#include <fmt/core.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "bench/argument.hpp"
#include "bench/udp_load/generator.hpp"
#include "bench/udp_load/options.hpp"

namespace {

int generate(const load::Options& options) {
    for (const int number : {SIGINT, SIGTERM})
        std::signal(number, [](int) { load::Generator::stop(); });
    const auto result = load::Generator(options).run();
    fmt::print("{}\n", options.json ? result.to_json() : result.to_text());
    return result.good(options) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const auto options = load::parse_options(argc, argv);
        if (options.help) {
            fmt::print("{}", load::usage);
            return 0;
        }
        return generate(options);
    } catch (const bench::UsageError& error) {
        fmt::print(stderr, "udp-load: {}\n{}", error.what(), load::usage);
        return 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "udp-load: {}\n", error.what());
        return 1;
    }
}
