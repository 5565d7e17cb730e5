#include "bench/packet_load/options.hpp"

#include <getopt.h>

#include <array>
#include <cstdio>
#include <string_view>

#include "base/endpoint.hpp"
#include "bench/argument.hpp"
#include "bench/load/payload.hpp"
#include "bench/packet_load/flows.hpp"
#include "bench/packet_load/packet_socket.hpp"

namespace packet {

const char* const usage =
    "usage: packet-load --interface NAME --gateway MAC --from NETWORK/PREFIX --to ADDRESS:PORT [--addresses "
    "N]\n"
    "                   [--flows N] [--train N] [--rate DATAGRAMS/S] [--ms MILLISECONDS | --count N] [--size "
    "BYTES]\n"
    "                   [--warm-up DATAGRAMS/S] [--linger MS] [--one-way] [--wait]\n"
    "Simulates IPv4 clients without sockets: sends UDP datagrams as frames, at a steady rate, verifies every "
    "reply\n"
    "and prints the figures as a line of JSON. --rate 0 sends as fast as possible. --flows 0 sends each "
    "datagram\n"
    "(each train) from a new address and port. --warm-up first sends one unmeasured datagram of each flow. "
    "--wait\n"
    "then prints \"ready\" and waits for a line on standard input.\n";

namespace {

constexpr std::uint64_t max_flows = 4'000'000;

const std::array<option, 17> known_options{{
    {"interface", required_argument, nullptr, 'i'},
    {"gateway", required_argument, nullptr, 'g'},
    {"from", required_argument, nullptr, 'f'},
    {"to", required_argument, nullptr, 't'},
    {"addresses", required_argument, nullptr, 'a'},
    {"flows", required_argument, nullptr, 'c'},
    {"train", required_argument, nullptr, 'k'},
    {"rate", required_argument, nullptr, 'r'},
    {"ms", required_argument, nullptr, 's'},
    {"count", required_argument, nullptr, 'n'},
    {"size", required_argument, nullptr, 'b'},
    {"warm-up", required_argument, nullptr, 'w'},
    {"linger", required_argument, nullptr, 'l'},
    {"one-way", no_argument, nullptr, 'o'},
    {"wait", no_argument, nullptr, 'p'},
    {"help", no_argument, nullptr, 'h'},
    {nullptr, 0, nullptr, 0},
}};

std::uint32_t v4_of(const base::Address& address) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value = value << 8 | address.bytes[i];
    return value;
}

Mac mac_of(const char* text) {
    std::array<unsigned, 6> parts{};
    int end = 0;
    const int count = std::sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &parts[0], &parts[1], &parts[2],
                                  &parts[3], &parts[4], &parts[5], &end);
    if (count != 6 || text[end] != '\0') {
        throw bench::UsageError(fmt::format("--gateway '{}': a MAC address is expected", text));
    }
    Mac mac{};
    for (std::size_t i = 0; i < mac.size(); ++i)
        mac[i] = static_cast<std::uint8_t>(parts[i]);
    return mac;
}

void set_to(Options& options, std::string_view text) {
    const auto endpoint = base::parse_endpoint(text);
    if (!endpoint || endpoint->family != base::Family::v4 || endpoint->port == 0) {
        throw bench::UsageError(fmt::format("--to '{}': an IPv4 ADDRESS:PORT is expected", text));
    }
    options.to_address = v4_of(endpoint->address());
    options.to_port = endpoint->port;
}

void set_from(Options& options, std::string_view text) {
    const auto slash = text.find('/');
    const auto address = base::parse_address(text.substr(0, slash));
    if (!address || address->family != base::Family::v4 || slash == std::string_view::npos) {
        throw bench::UsageError(fmt::format("--from '{}': an IPv4 NETWORK/PREFIX is expected", text));
    }
    options.prefix = static_cast<unsigned>(bench::whole_number("--from", text.substr(slash + 1), 8, 30));
    options.network = v4_of(base::network_of(*address, options.prefix));
}

std::uint32_t small_number(std::string_view option, std::uint64_t low, std::uint64_t high) {
    return static_cast<std::uint32_t>(bench::whole_number(option, optarg, low, high));
}

void set_size_option(Options& options, int letter) {
    constexpr std::uint64_t largest = 1500 - 28;
    switch (letter) {
        case 'a':
            options.addresses = small_number("--addresses", 1, 1 << 20);
            break;
        case 'c':
            options.flows = small_number("--flows", 0, max_flows);
            break;
        case 'k':
            options.train = small_number("--train", 1, PacketSocket::batch_size);
            break;
        case 'b':
            options.size = small_number("--size", load::Payload::header_size, largest);
            break;
        default:
            throw bench::UsageError("see packet-load --help");
    }
}

void set_time_option(Options& options, int letter) {
    using bench::whole_number;
    switch (letter) {
        case 'r':
            options.rate = whole_number("--rate", optarg, 0, 10'000'000);
            break;
        case 's':
            options.milliseconds = whole_number("--ms", optarg, 1, 3'600'000);
            break;
        case 'n':
            options.count = whole_number("--count", optarg, 1, 1'000'000'000);
            break;
        case 'w':
            options.warm_up_rate = whole_number("--warm-up", optarg, 1, 1'000'000);
            break;
        case 'l':
            options.linger_ms = whole_number("--linger", optarg, 0, 60'000);
            break;
        default:
            set_size_option(options, letter);
    }
}

void set_option(Options& options, int letter) {
    switch (letter) {
        case 'i':
            options.interface = optarg;
            break;
        case 'g':
            options.gateway = mac_of(optarg);
            break;
        case 'f':
            set_from(options, optarg);
            break;
        case 't':
            set_to(options, optarg);
            break;
        case 'o':
            options.one_way = true;
            break;
        case 'p':
            options.wait = true;
            break;
        case 'h':
            options.help = true;
            break;
        default:
            set_time_option(options, letter);
    }
}

// With a new flow for each train, the flows are as many as the trains.
std::uint64_t flows_needed(const Options& options) {
    if (options.flows > 0) return options.flows;
    const std::uint64_t datagrams =
        options.count > 0 ? options.count : options.rate * options.milliseconds / 1000;
    return datagrams / options.train + 1;
}

void check(const Options& options) {
    if (options.interface.empty() || options.to_port == 0 || options.prefix == 0) {
        throw bench::UsageError("--interface, --gateway, --from and --to are mandatory");
    }
    if (options.addresses > (std::uint64_t{1} << (32 - options.prefix)) - 2) {
        throw bench::UsageError("--addresses: the network of --from is smaller");
    }
    if (flows_needed(options) > std::uint64_t{options.addresses} * Flows::ports) {
        throw bench::UsageError("--flows: more than --addresses have ports for");
    }
    if (options.flows == 0 && options.rate == 0 && options.count == 0) {
        throw bench::UsageError("--flows 0 needs a --rate or a --count");
    }
}

}  // namespace

Options parse_options(int argc, char** argv) {
    Options options;
    optind = 0;  // the tests parse several command lines
    for (int letter; (letter = getopt_long(argc, argv, "h", known_options.data(), nullptr)) != -1;) {
        set_option(options, letter);
    }
    if (options.help) return options;
    if (optind != argc) throw bench::UsageError(fmt::format("'{}' is not an option", argv[optind]));
    check(options);
    return options;
}

}  // namespace packet
