#include "libudpserver/policy/host_list.hpp"

#include <algorithm>
#include <stdexcept>

namespace policy {

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

/// A range of link-local addresses of one interface. AddressRanges has no scopes.
bool in_scoped_range(const HostItem& item, const Address& address) {
    return item.first.family == address.family && item.first.scope == address.scope &&
           item.first.bytes <= address.bytes && address.bytes <= item.last.bytes;
}

}  // namespace

// AddressRanges
// -------------------------------------------------------------------------------------------------------

void AddressRanges::add(const base::Address& first, const base::Address& last) {
    (first.family == Family::v4 ? v4_ : v6_).emplace_back(key_of(first), key_of(last));
}

AddressRanges::Key AddressRanges::key_of(const base::Address& address) {
    Key key;
    for (std::size_t i = 0; i < 8; ++i) {
        key.high = key.high << 8 | address.bytes[i];
        key.low = key.low << 8 | address.bytes[i + 8];
    }
    return key;
}

void AddressRanges::merge() {
    merge(v4_);
    merge(v6_);
}

void AddressRanges::merge(Ranges& ranges) {
    std::sort(ranges.begin(), ranges.end());
    Ranges merged;
    for (const auto& range : ranges) {
        if (range.second < range.first) continue;
        if (!merged.empty() && range.first <= merged.back().second) {
            merged.back().second = std::max(merged.back().second, range.second);
        } else {
            merged.push_back(range);
        }
    }
    ranges = std::move(merged);
}

bool AddressRanges::contains(const base::Address& address) const {
    const Ranges& ranges = address.family == Family::v4 ? v4_ : v6_;
    if (ranges.empty()) return false;
    const Key key = key_of(address);
    const auto after =
        std::upper_bound(ranges.begin(), ranges.end(), key,
                         [](const Key& value, const auto& range) { return value < range.first; });
    return after != ranges.begin() && key <= std::prev(after)->second;
}

HostList::HostList(const conf::HostItems& items, std::span<const conf::NamedList> lists, const Names& names)
    : HostList(names) {
    Compiled compiled;
    compile(items, lists, compiled);
}

// Matching
// -------------------------------------------------------------------------------------------------------

Match HostList::match(const Host& host) const {
    const Match in = positive(host);
    return in == Match::no ? in : both(in, inverse(negated_.match(host, *names_)));
}

Match HostList::positive(const Host& host) const {
    if (matches_none_ || host.address.family == Family::none) return Match::no;
    return matches_all_ ? Match::yes : positive_.match(host, *names_);
}

bool HostList::excludes(const Host& host) const {
    return positive(host) != Match::no && negated_.match(host, *names_) == Match::yes;
}

Match HostList::Items::match(const Host& host, const Names& known) const {
    if (contain(host.address)) return Match::yes;
    Match result = Match::no;
    for (const std::size_t name : names) {
        if (!known.known(name)) result = Match::needs_names;
        if (known.has_address(name, host.address)) return Match::yes;
    }
    for (const Nested& list : nested) {
        result = either(result, list->match(host));
        if (result == Match::yes) return result;
    }
    return patterns.empty() ? result : either(result, match_patterns(host));
}

bool HostList::Items::contain(const Address& address) const {
    if (any || ranges.contains(address)) return true;
    return std::any_of(linear.begin(), linear.end(), [&](const HostItem& item) {
        return item.kind == HostItem::Kind::mask ? masked(item, address) : in_scoped_range(item, address);
    });
}

Match HostList::Items::match_patterns(const Host& host) const {
    if (host.names == nullptr) return Match::needs_client_names;
    for (const std::string& name : *host.names) {
        for (const base::Pattern& pattern : patterns)
            if (pattern.matches(name)) return Match::yes;
    }
    return Match::no;
}

std::optional<std::size_t> HostList::missing_name(const Host& host) const {
    if (match(host) != Match::needs_names) return std::nullopt;
    if (const auto name = matches_all_ ? std::nullopt : positive_.missing_name(host, *names_)) return name;
    return negated_.missing_name(host, *names_);
}

std::optional<std::size_t> HostList::Items::missing_name(const Host& host, const Names& known) const {
    if (match(host, known) != Match::needs_names) return std::nullopt;
    for (const std::size_t name : names)
        if (!known.known(name)) return name;
    for (const Nested& list : nested)
        if (const auto name = list->missing_name(host)) return name;
    return std::nullopt;
}

std::vector<std::size_t> HostList::names_without_address() const {
    std::vector<std::size_t> found;
    for (const std::size_t name : positive_.names)
        if (names_->known(name) && names_->addresses(name).empty()) found.push_back(name);
    for (const Nested& list : positive_.nested) {
        const auto more = list->names_without_address();
        found.insert(found.end(), more.begin(), more.end());
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

// Compiling
// -------------------------------------------------------------------------------------------------------

void HostList::compile(const conf::HostItems& items, std::span<const conf::NamedList> lists,
                       Compiled& compiled) {
    for (const HostItem& item : items) {
        if (!item.negated) matches_all_ = false;
        Items& to = item.negated ? negated_ : positive_;
        if (item.kind == HostItem::Kind::list) {
            to.nested.push_back(nested(item.list, lists, compiled));
            has_patterns_ = has_patterns_ || to.nested.back()->has_patterns_;
            depends_on_names_ = depends_on_names_ || to.nested.back()->depends_on_names_;
        } else {
            add(to, item);
        }
    }
    positive_.ranges.merge();
    negated_.ranges.merge();
}

void HostList::add(Items& items, const HostItem& item) {
    switch (item.kind) {
        case HostItem::Kind::any:
            items.any = true;
            break;
        case HostItem::Kind::name:
            return add_name(items, item.text);
        case HostItem::Kind::pattern:
            return add_pattern(items, item.text);
        case HostItem::Kind::range:
            if (item.first.scope == 0) return items.ranges.add(item.first, item.last);
            [[fallthrough]];
        case HostItem::Kind::mask:
            items.linear.push_back(item);
            break;
        case HostItem::Kind::list:  // nested() compiled it
            break;
    }
}

void HostList::add_name(Items& items, const std::string& name) {
    const auto index = names_->index(name);
    if (!index) throw std::invalid_argument("host list: no look-up for the name '" + name + "'");
    items.names.push_back(*index);
    depends_on_names_ = true;
}

void HostList::add_pattern(Items& items, const std::string& text) {
    std::string error;
    const auto pattern = base::Pattern::compile(text, error);
    if (!pattern) throw std::invalid_argument("host list: '~" + text + "': " + error);
    items.patterns.push_back(*pattern);
    has_patterns_ = depends_on_names_ = true;
}

/// Compiles each list once. A null entry is a list that is being compiled.
HostList::Nested HostList::nested(std::size_t index, std::span<const conf::NamedList> lists,
                                  Compiled& compiled) const {
    if (index >= lists.size())
        throw std::invalid_argument("host list: no list number " + std::to_string(index));
    const auto [entry, is_new] = compiled.try_emplace(index);
    if (!is_new) {
        if (!entry->second)
            throw std::invalid_argument("host list '" + lists[index].name + "' contains itself");
        return entry->second;
    }
    std::shared_ptr<HostList> matcher(new HostList(*names_));
    matcher->matches_none_ = lists[index].items.empty();
    matcher->compile(lists[index].items, lists, compiled);
    compiled[index] = matcher;
    return matcher;
}

}  // namespace policy
