#include "libudpserver/session/address_match.hpp"

#include <algorithm>
#include <stdexcept>

namespace session {

using base::Address;
using base::Family;
using conf::HostItem;

namespace {

bool masked(const HostItem& item, const Address& address) {
    if (item.value.family != address.family) return false;
    for (std::size_t i = 0; i < address.bytes.size(); ++i)
        if ((address.bytes[i] & item.mask.bytes[i]) != item.value.bytes[i]) return false;
    return true;
}

/// A range of link-local addresses of one interface: the sorted ranges know nothing of scopes.
bool in_scoped_range(const HostItem& item, const Address& address) {
    return item.first.family == address.family && item.first.scope == address.scope &&
           item.first.bytes <= address.bytes && address.bytes <= item.last.bytes;
}

}  // namespace

AddressMatcher::AddressMatcher(const conf::HostItems& items, std::span<const conf::NamedList> lists) {
    Compiled compiled;
    compile(items, lists, compiled);
}

bool AddressMatcher::matches(const Address& address) const {
    if (nobody_ || address.family == Family::none) return false;
    return (everybody_ || positive_.contain(address)) && !negated_.contain(address);
}

bool AddressMatcher::excludes(const Address& address) const {
    if (nobody_ || address.family == Family::none) return false;
    return (everybody_ || positive_.contain(address)) && negated_.contain(address);
}

void AddressMatcher::compile(const conf::HostItems& items, std::span<const conf::NamedList> lists,
                             Compiled& compiled) {
    for (const HostItem& item : items) {
        if (!item.negated) everybody_ = false;
        Items& to = item.negated ? negated_ : positive_;
        if (item.kind == HostItem::Kind::list) {
            to.nested.push_back(nested(item.list, lists, compiled));
        } else {
            add(to, item);
        }
    }
    for (Items* each : {&positive_, &negated_}) {
        each->v4.merge();
        each->v6.merge();
    }
}

void AddressMatcher::add(Items& items, const HostItem& item) {
    if (item.kind == HostItem::Kind::any) {
        items.any = true;
    } else if (item.kind == HostItem::Kind::mask || item.first.scope != 0) {
        items.linear.push_back(item);
    } else {
        Ranges& ranges = item.first.family == Family::v4 ? items.v4 : items.v6;
        ranges.add(item.first.bytes, item.last.bytes);
    }
}

/// Each list is compiled once, however often it is used. A null entry is a list that is being compiled.
std::shared_ptr<const AddressMatcher> AddressMatcher::nested(std::size_t index,
                                                             std::span<const conf::NamedList> lists,
                                                             Compiled& compiled) {
    if (index >= lists.size())
        throw std::invalid_argument("host list: no list number " + std::to_string(index));
    const auto [place, is_new] = compiled.try_emplace(index);
    if (!is_new) {
        if (!place->second)
            throw std::invalid_argument("host list '" + lists[index].name + "' contains itself");
        return place->second;
    }
    std::shared_ptr<AddressMatcher> matcher(new AddressMatcher);
    matcher->nobody_ = lists[index].items.empty();
    matcher->compile(lists[index].items, lists, compiled);
    compiled[index] = matcher;
    return matcher;
}

bool AddressMatcher::Items::contain(const Address& address) const {
    if (any || (address.family == Family::v4 ? v4 : v6).contains(address.bytes)) return true;
    const auto linear_match = [&](const HostItem& item) {
        return item.kind == HostItem::Kind::mask ? masked(item, address) : in_scoped_range(item, address);
    };
    return std::any_of(linear.begin(), linear.end(), linear_match) ||
           std::any_of(nested.begin(), nested.end(),
                       [&](const auto& list) { return list->matches(address); });
}

void AddressMatcher::Ranges::merge() {
    std::sort(ranges_.begin(), ranges_.end());
    std::vector<std::pair<Bytes, Bytes>> merged;
    for (const auto& range : ranges_) {
        if (range.second < range.first) continue;
        if (!merged.empty() && range.first <= merged.back().second) {
            merged.back().second = std::max(merged.back().second, range.second);
        } else {
            merged.push_back(range);
        }
    }
    ranges_ = std::move(merged);
}

bool AddressMatcher::Ranges::contains(const Bytes& address) const {
    const auto after =
        std::upper_bound(ranges_.begin(), ranges_.end(), address,
                         [](const Bytes& value, const auto& range) { return value < range.first; });
    return after != ranges_.begin() && address <= std::prev(after)->second;
}

}  // namespace session
