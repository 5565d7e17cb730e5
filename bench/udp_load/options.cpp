#include "bench/udp_load/options.hpp"

#include <getopt.h>

#include <array>
#include <string_view>

#include "bench/argument.hpp"
#include "bench/load/payload.hpp"

namespace load {

const char* const usage =
    "usage: udp-load --to ADDRESS:PORT [--clients N] [--rate DATAGRAMS/S] [--seconds S | --count N] [--size "
    "BYTES]\n"
    "                [--from ADDRESS[/PREFIX]] [--churn] [--linger MS] [--max-loss PERCENT] [--json]\n"
    "Sends datagrams at a steady rate (of all clients together), checks every answer and prints what came "
    "back.\n"
    "--count is for each client. The exit status is 0 when no answer was wrong or corrupt and no more were "
    "lost\n"
    "than --max-loss (default 0).\n";

namespace {

constexpr std::uint64_t max_clients = 60'000;  // each has a descriptor and an ephemeral port
constexpr std::uint64_t max_rate = 10'000'000;
constexpr std::uint64_t largest_payload = 65'507;

const std::array<option, 13> known_options{{
    {"to", required_argument, nullptr, 't'},
    {"clients", required_argument, nullptr, 'c'},
    {"rate", required_argument, nullptr, 'r'},
    {"seconds", required_argument, nullptr, 's'},
    {"count", required_argument, nullptr, 'n'},
    {"size", required_argument, nullptr, 'b'},
    {"from", required_argument, nullptr, 'f'},
    {"churn", no_argument, nullptr, 'u'},
    {"linger", required_argument, nullptr, 'l'},
    {"max-loss", required_argument, nullptr, 'm'},
    {"json", no_argument, nullptr, 'j'},
    {"help", no_argument, nullptr, 'h'},
    {nullptr, 0, nullptr, 0},
}};

base::Endpoint target(std::string_view text) {
    const auto endpoint = base::parse_endpoint(text);
    if (!endpoint || endpoint->port == 0) {
        throw bench::UsageError(fmt::format("--to '{}': ADDRESS:PORT is expected", text));
    }
    return *endpoint;
}

unsigned all_bits(const base::Address& address) {
    return address.family == base::Family::v6 ? 128 : 32;
}

void set_from(Options& options, std::string_view text) {
    const auto slash = text.find('/');
    const auto address = base::parse_address(text.substr(0, slash));
    if (!address)
        throw bench::UsageError(fmt::format("--from '{}': ADDRESS or ADDRESS/PREFIX is expected", text));
    options.from = *address;
    options.prefix = all_bits(*address);
    if (slash == std::string_view::npos) return;
    options.prefix =
        static_cast<unsigned>(bench::whole_number("--from", text.substr(slash + 1), 1, all_bits(*address)));
}

double percent(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 100)) {
        throw bench::UsageError(fmt::format("--max-loss '{}': a number from 0 to 100 is expected", text));
    }
    return value;
}

void set_option(Options& options, int letter) {
    using bench::whole_number;
    switch (letter) {
        case 't':
            options.to = target(optarg);
            break;
        case 'c':
            options.clients = static_cast<std::uint32_t>(whole_number("--clients", optarg, 1, max_clients));
            break;
        case 'r':
            options.rate = whole_number("--rate", optarg, 1, max_rate);
            break;
        case 's':
            options.seconds = whole_number("--seconds", optarg, 1, 86'400);
            break;
        case 'n':
            options.count = whole_number("--count", optarg, 1, 1'000'000'000);
            break;
        case 'b':
            options.size = static_cast<std::uint32_t>(
                whole_number("--size", optarg, Payload::header_size, largest_payload));
            break;
        case 'f':
            set_from(options, optarg);
            break;
        case 'u':
            options.churn = true;
            break;
        case 'l':
            options.linger_ms = whole_number("--linger", optarg, 0, 600'000);
            break;
        case 'm':
            options.max_loss = percent(optarg);
            break;
        case 'j':
            options.json = true;
            break;
        case 'h':
            options.help = true;
            break;
        default:
            throw bench::UsageError("see udp-load --help");
    }
}

void check(Options& options) {
    if (options.to.family == base::Family::none) throw bench::UsageError("--to ADDRESS:PORT is missing");
    if (options.seconds > 0 && options.count > 0) {
        throw bench::UsageError("--seconds and --count exclude each other");
    }
    if (options.seconds == 0 && options.count == 0) options.seconds = 10;
    if (options.from.family == base::Family::none) {
        options.from = base::Address::any(options.to.family);
        options.prefix = all_bits(options.from);
    }
    if (options.from.family != options.to.family) {
        throw bench::UsageError("--from and --to are addresses of different families");
    }
}

}  // namespace

Options parse_options(int argc, char** argv) {
    Options options;
    for (int letter; (letter = getopt_long(argc, argv, "h", known_options.data(), nullptr)) != -1;) {
        set_option(options, letter);
    }
    if (options.help) return options;
    if (optind != argc) throw bench::UsageError(fmt::format("'{}' is not an option", argv[optind]));
    check(options);
    return options;
}

}  // namespace load
