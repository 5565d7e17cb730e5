#include "conf/host_match.hpp"

#include "conf/address_block.hpp"

namespace conf {
namespace {

bool in_range(const Address& first, const Address& address, const Address& last) {
    return first.family == address.family && first.bytes <= address.bytes && address.bytes <= last.bytes;
}

}  // namespace

bool means(const HostItem& item, const Address& address, const std::vector<NamedList>& lists) {
    switch (item.kind) {
        case HostItem::Kind::any:
            return true;
        case HostItem::Kind::range:
            return in_range(item.first, address, item.last);
        case HostItem::Kind::list:
            return matches(lists[item.list].items, address, lists);
        case HostItem::Kind::mask:
            return item.value.family == address.family &&
                   masked(address, item.mask).bytes == item.value.bytes;
    }
    return false;
}

bool matches(const HostItems& items, const Address& address, const std::vector<NamedList>& lists) {
    bool has_positive = false, wanted = false;
    for (const HostItem& item : items) {
        if (item.negated && means(item, address, lists)) return false;
        if (item.negated) continue;
        has_positive = true;
        wanted = wanted || means(item, address, lists);
    }
    return wanted || !has_positive;
}

}  // namespace conf
