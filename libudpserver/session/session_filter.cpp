#include "libudpserver/session/session_filter.hpp"

#include <algorithm>
#include <charconv>

#include "conf/address_block.hpp"

namespace session {

namespace {

template <typename Number>
std::optional<Number> number(std::string_view text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

template <typename Value>
bool agrees(const std::optional<Value>& wanted, const Value& value) {
    return !wanted || *wanted == value;
}

bool agrees(const std::optional<EndpointFilter>& wanted, const Endpoint& endpoint) {
    return !wanted || wanted->matches(endpoint);
}

}  // namespace

std::optional<EndpointFilter> EndpointFilter::parse(std::string_view text) {
    EndpointFilter filter;
    if (const auto endpoint = base::parse_endpoint(text)) {
        filter.first_ = filter.last_ = endpoint->address();
        filter.port_ = endpoint->port;
        return filter;
    }
    const std::size_t slash = text.find('/');
    const auto address = base::parse_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    filter.first_ = filter.last_ = *address;
    if (slash == std::string_view::npos) return filter;
    const auto prefix = number<unsigned>(text.substr(slash + 1));
    if (!prefix || *prefix > conf::address_bits(address->family)) return std::nullopt;
    const base::Address mask = conf::prefix_mask(address->family, *prefix);
    filter.first_ = conf::masked(*address, mask);
    filter.last_ = conf::last_of(filter.first_, mask);
    return filter;
}

bool EndpointFilter::matches(const Endpoint& endpoint) const {
    if (port_ && *port_ != endpoint.port) return false;
    return endpoint.family == first_.family && first_.bytes <= endpoint.bytes &&
           endpoint.bytes <= last_.bytes && (first_.scope == 0 || first_.scope == endpoint.scope);
}

bool SessionFilter::matches(const Record& record, Instant now) const {
    return agrees(client, record.client) && agrees(local, record.local) && agrees(server, record.server) &&
           agrees(rule, record.rule) && agrees(listener, record.listener) && agrees(type, record.type) &&
           agrees(answered, record.answered()) && now - record.created >= older &&
           now - std::max(record.last_client, record.last_server) >= idle;
}

std::optional<SessionId> SessionId::parse(std::string_view text) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const auto slot = number<Slot>(text.substr(0, dot));
    const auto generation = number<std::uint32_t>(text.substr(dot + 1));
    if (!slot || !generation || *slot == none) return std::nullopt;
    return SessionId{*slot, *generation};
}

}  // namespace session
