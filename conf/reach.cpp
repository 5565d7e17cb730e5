#include "conf/reach.hpp"

#include <algorithm>

#include "conf/address_block.hpp"

namespace conf {

Reach::Reach(const ListenOn& listener, const std::vector<NamedList>& lists)
    : listener_(listener),
      local_(listener.address, lists),
      clients_(Address::any(listener.address.family), lists) {}

bool Reach::receives(const Destination& to) {
    const PortRange& port = listener_.port;
    if (port.first != 0 && (to.port.first > port.last || port.first > to.port.last)) return false;
    return local_.may_be(to.host);
}

bool Reach::receives_for(const Rule& rule) {
    const auto is_positive = [](const Destination& to) { return !to.host.negated; };
    return std::none_of(rule.to.begin(), rule.to.end(), is_positive) ||
           std::any_of(rule.to.begin(), rule.to.end(),
                       [&](const Destination& to) { return is_positive(to) && receives(to); });
}

bool Reach::receives_from(const HostItems& from) {
    return clients_.may_be(from);
}

bool Reach::Hosts::may_be(const HostItem& item) {
    switch (item.kind) {
        case HostItem::Kind::any:
        case HostItem::Kind::name:
        case HostItem::Kind::pattern:
            return true;
        case HostItem::Kind::range:
            return may_be_in(item.first, item.last);
        case HostItem::Kind::mask:
            return item.value.family == address_.family &&
                   (address_.is_any() || masked(address_, item.mask).bytes == item.value.bytes);
        case HostItem::Kind::list:
            break;
    }
    auto& known = known_[item.list];
    if (!known) known = may_be(lists_[item.list].items);
    return *known;
}

bool Reach::Hosts::may_be(const HostItems& items) {
    const auto is_positive = [](const HostItem& item) { return !item.negated; };
    return std::none_of(items.begin(), items.end(), is_positive) ||
           std::any_of(items.begin(), items.end(),
                       [&](const HostItem& item) { return is_positive(item) && may_be(item); });
}

// A wildcard listener joins no multicast group.
bool Reach::Hosts::may_be_in(const Address& first, const Address& last) const {
    if (first.family != address_.family) return false;
    if (address_.is_any()) return !is_multicast(first) || !is_multicast(last);
    return first.bytes <= address_.bytes && address_.bytes <= last.bytes;
}

std::string to_string(const ListenOn& listener) {
    std::string text = base::to_string(Endpoint(listener.address, listener.port.first));
    return listener.port.first == listener.port.last ? text : text + "-" + std::to_string(listener.port.last);
}

}  // namespace conf
