#include "bench/udp_echo/options.hpp"

#include <getopt.h>

#include <array>
#include <string_view>

#include "bench/argument.hpp"

namespace echo {

const char* const usage =
    "usage: udp-echo [--delay MS[-MS]] [--other-port] [--other-address ADDRESS] [--drop-every N] [--silent]\n"
    "                [--count-file FILE] ADDRESS:PORT\n"
    "Sends every datagram back. SIGUSR1 prints the counts as a line of JSON, SIGTERM and SIGINT print them "
    "and end.\n";

namespace {

constexpr std::uint64_t max_delay = 600'000;

const std::array<option, 8> known_options{{
    {"delay", required_argument, nullptr, 'd'},
    {"other-port", no_argument, nullptr, 'p'},
    {"other-address", required_argument, nullptr, 'a'},
    {"drop-every", required_argument, nullptr, 'n'},
    {"silent", no_argument, nullptr, 's'},
    {"count-file", required_argument, nullptr, 'c'},
    {"help", no_argument, nullptr, 'h'},
    {nullptr, 0, nullptr, 0},
}};

void set_delay(Options& options, std::string_view text) {
    const auto dash = text.find('-');
    options.delay_min = bench::whole_number("--delay", text.substr(0, dash), 0, max_delay);
    options.delay_max = options.delay_min;
    if (dash == std::string_view::npos) return;
    options.delay_max = bench::whole_number("--delay", text.substr(dash + 1), options.delay_min, max_delay);
}

base::Address address_argument(std::string_view text) {
    const auto address = base::parse_address(text);
    if (!address)
        throw bench::UsageError(fmt::format("--other-address '{}': an IP address is expected", text));
    return *address;
}

void set_option(Options& options, int letter) {
    switch (letter) {
        case 'd':
            set_delay(options, optarg);
            break;
        case 'p':
            options.other_port = true;
            break;
        case 'a':
            options.other_address = address_argument(optarg);
            break;
        case 'n':
            options.drop_every = bench::whole_number("--drop-every", optarg, 1, UINT32_MAX);
            break;
        case 's':
            options.silent = true;
            break;
        case 'c':
            options.count_file = optarg;
            break;
        case 'h':
            options.help = true;
            break;
        default:
            throw bench::UsageError("see udp-echo --help");
    }
}

}  // namespace

Options parse_options(int argc, char** argv) {
    Options options;
    for (int letter; (letter = getopt_long(argc, argv, "h", known_options.data(), nullptr)) != -1;) {
        set_option(options, letter);
    }
    if (options.help) return options;
    if (argc - optind != 1) throw bench::UsageError("exactly one ADDRESS:PORT is expected");
    const auto listen = base::parse_endpoint(argv[optind]);
    if (!listen) throw bench::UsageError(fmt::format("'{}': ADDRESS:PORT is expected", argv[optind]));
    options.listen = *listen;
    return options;
}

}  // namespace echo
