#include "libudpserver/policy/server_choice.hpp"

#include <array>
#include <cmath>
#include <cstring>

#include "base/siphash.hpp"

namespace policy {

namespace {

// Never to be changed: with another key every client would move to another server at an upgrade.
constexpr base::SipKey fixed_key{0x70726f7879642d31, 0x7365727665722d31};

/// In (0, 1), independent for each pair. Scopes are numbers of interfaces, which a reboot may change.
double draw(const base::Address& client, const base::Endpoint& server) {
    std::array<std::byte, 36> bytes{};
    std::memcpy(bytes.data(), client.bytes.data(), 16);
    std::memcpy(bytes.data() + 16, server.bytes.data(), 16);
    bytes[32] = static_cast<std::byte>(client.family);
    bytes[33] = static_cast<std::byte>(server.family);
    bytes[34] = static_cast<std::byte>(server.port & 0xff);
    bytes[35] = static_cast<std::byte>(server.port >> 8);
    const std::uint64_t hash = base::SipHash<2, 4>::hash(fixed_key, bytes);
    return (static_cast<double>(hash >> 11) + 0.5) * 0x1p-53;
}

}  // namespace

std::size_t choose_server(const std::vector<conf::Server>& servers, const base::Address& client) {
    if (servers.size() == 1 && servers[0].weight > 0) return 0;
    std::size_t best = servers.size();
    double best_score = 0;
    for (std::size_t i = 0; i < servers.size(); ++i) {
        const double score =
            static_cast<double>(servers[i].weight) / -std::log(draw(client, servers[i].endpoint));
        if (score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

}  // namespace policy
