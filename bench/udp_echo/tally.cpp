#include "bench/udp_echo/tally.hpp"

#include <fmt/core.h>

#include <functional>
#include <string_view>

namespace echo {

std::size_t Tally::Hash::operator()(const base::Endpoint& endpoint) const {
    const std::string_view bytes(reinterpret_cast<const char*>(endpoint.bytes.data()), endpoint.bytes.size());
    return std::hash<std::string_view>()(bytes) * 31 + endpoint.port;
}

void Tally::count(const base::Endpoint& from, std::size_t bytes) {
    ++datagrams_;
    bytes_ += bytes;
    sources_.insert(from);
    ports_.insert(from.port);
}

void Tally::count_answers(std::uint64_t sent, std::uint64_t failed) {
    answers_ += sent;
    failed_ += failed;
}

std::string Tally::to_json() const {
    return fmt::format(R"({{"datagrams":{},"bytes":{},"answers":{},"failed":{},"sources":{},"ports":{}}})",
                       datagrams_, bytes_, answers_, failed_, sources_.size(), ports_.size());
}

}  // namespace echo
