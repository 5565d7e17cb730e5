#include "conf/host_match.hpp"

#include "conf/address_block.hpp"

namespace conf {
namespace {

bool in_range(const Address& first, const Address& address, const Address& last) {
    return first.family == address.family && first.bytes <= address.bytes && address.bytes <= last.bytes;
}

}  // namespace

bool HostMatch::means(const HostItem& item) {
    switch (item.kind) {
        case HostItem::Kind::any:
            return true;
        case HostItem::Kind::range:
            return in_range(item.first, address_, item.last);
        case HostItem::Kind::list:
            return list_matches(item.list);
        case HostItem::Kind::mask:
            return item.value.family == address_.family &&
                   masked(address_, item.mask).bytes == item.value.bytes;
        case HostItem::Kind::name:
        case HostItem::Kind::pattern:
            return false;  // the checker cannot know
    }
    return false;
}

bool HostMatch::list_matches(std::size_t index) {
    if (!judged_[index]) judged_[index] = matches(lists_[index].items);
    return *judged_[index];
}

bool HostMatch::matches(const HostItems& items) {
    bool has_positive = false, wanted = false;
    for (const HostItem& item : items) {
        if (item.negated && means(item)) return false;
        if (item.negated) continue;
        has_positive = true;
        wanted = wanted || means(item);
    }
    return wanted || !has_positive;
}

}  // namespace conf
