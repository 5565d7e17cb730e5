#include <fmt/core.h>

#include <cstdio>
#include <exception>

#include "bench/argument.hpp"
#include "bench/udp_echo/options.hpp"
#include "bench/udp_echo/server.hpp"

int main(int argc, char** argv) {
    try {
        const auto options = echo::parse_options(argc, argv);
        if (options.help) {
            fmt::print("{}", echo::usage);
            return 0;
        }
        echo::Server(options).run();
        return 0;
    } catch (const bench::UsageError& error) {
        fmt::print(stderr, "udp-echo: {}\n{}", error.what(), echo::usage);
        return 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "udp-echo: {}\n", error.what());
        return 1;
    }
}
