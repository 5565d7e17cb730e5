#include <fmt/core.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "bench/argument.hpp"
#include "bench/packet_load/generator.hpp"
#include "bench/packet_load/options.hpp"

namespace {

// The program that measures reads the processor times between the line and its answer.
void wait_for_start() {
    fmt::print("ready\n");
    std::fflush(stdout);
    for (int letter = 0; letter != '\n' && letter != EOF;)
        letter = std::getchar();
}

void generate(const packet::Options& options) {
    for (const int number : {SIGINT, SIGTERM})
        std::signal(number, [](int) { packet::Generator::stop(); });
    packet::Generator generator(options);
    generator.warm_up();
    if (options.wait) wait_for_start();
    fmt::print("{}\n", generator.measure().to_json());
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const auto options = packet::parse_options(argc, argv);
        if (options.help) {
            fmt::print("{}", packet::usage);
        } else {
            generate(options);
        }
        return 0;
    } catch (const bench::UsageError& error) {
        fmt::print(stderr, "packet-load: {}\n{}", error.what(), packet::usage);
        return 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "packet-load: {}\n", error.what());
        return 1;
    }
}
