#include "libudpserver/policy/address_match.hpp"

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

/// A range of link-local addresses of one interface: the sorted ranges know nothing of scopes.
bool in_scoped_range(const HostItem& item, const Address& address) {
    return item.first.family == address.family && item.first.scope == address.scope &&
           item.first.bytes <= address.bytes && address.bytes <= item.last.bytes;
}

}  // namespace

AddressMatcher::AddressMatcher(const conf::HostItems& items, std::span<const conf::NamedList> lists,
                               const Names& names)
    : AddressMatcher(names) {
    Compiled compiled;
    compile(items, lists, compiled);
}

// Asking
// -------------------------------------------------------------------------------------------------------

Match AddressMatcher::match(const Asked& asked) const {
    const Match in = positive(asked);
    return in == Match::no ? in : both(in, inverse(negated_.match(asked, *names_)));
}

Match AddressMatcher::positive(const Asked& asked) const {
    if (nobody_ || asked.address.family == Family::none) return Match::no;
    return everybody_ ? Match::yes : positive_.match(asked, *names_);
}

bool AddressMatcher::excludes(const Asked& asked) const {
    return positive(asked) != Match::no && negated_.match(asked, *names_) == Match::yes;
}

Match AddressMatcher::Items::match(const Asked& asked, const Names& known) const {
    if (contain(asked.address)) return Match::yes;
    Match result = Match::no;
    for (const std::size_t name : names) {
        if (!known.known(name)) result = Match::needs_names;
        if (known.means(name, asked.address)) return Match::yes;
    }
    for (const Nested& list : nested) {
        result = either(result, list->match(asked));
        if (result == Match::yes) return result;
    }
    return patterns.empty() ? result : either(result, match_patterns(asked));
}

bool AddressMatcher::Items::contain(const Address& address) const {
    if (any || ranges.contains(address)) return true;
    return std::any_of(linear.begin(), linear.end(), [&](const HostItem& item) {
        return item.kind == HostItem::Kind::mask ? masked(item, address) : in_scoped_range(item, address);
    });
}

Match AddressMatcher::Items::match_patterns(const Asked& asked) const {
    if (asked.names == nullptr) return Match::needs_client_names;
    for (const std::string& name : *asked.names) {
        for (const base::Pattern& pattern : patterns)
            if (pattern.matches(name)) return Match::yes;
    }
    return Match::no;
}

std::optional<std::size_t> AddressMatcher::unknown_name(const Asked& asked) const {
    if (match(asked) != Match::needs_names) return std::nullopt;
    if (const auto name = everybody_ ? std::nullopt : positive_.unknown_name(asked, *names_)) return name;
    return negated_.unknown_name(asked, *names_);
}

std::optional<std::size_t> AddressMatcher::Items::unknown_name(const Asked& asked, const Names& known) const {
    if (match(asked, known) != Match::needs_names) return std::nullopt;
    for (const std::size_t name : names)
        if (!known.known(name)) return name;
    for (const Nested& list : nested)
        if (const auto name = list->unknown_name(asked)) return name;
    return std::nullopt;
}

std::vector<std::size_t> AddressMatcher::names_of_nothing() const {
    std::vector<std::size_t> found;
    for (const std::size_t name : positive_.names)
        if (names_->known(name) && names_->addresses(name).empty()) found.push_back(name);
    for (const Nested& list : positive_.nested) {
        const auto more = list->names_of_nothing();
        found.insert(found.end(), more.begin(), more.end());
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

// Compiling
// -------------------------------------------------------------------------------------------------------

void AddressMatcher::compile(const conf::HostItems& items, std::span<const conf::NamedList> lists,
                             Compiled& compiled) {
    for (const HostItem& item : items) {
        if (!item.negated) everybody_ = false;
        Items& to = item.negated ? negated_ : positive_;
        if (item.kind == HostItem::Kind::list) {
            to.nested.push_back(nested(item.list, lists, compiled));
            has_patterns_ = has_patterns_ || to.nested.back()->has_patterns_;
        } else {
            add(to, item);
        }
    }
    positive_.ranges.merge();
    negated_.ranges.merge();
}

void AddressMatcher::add(Items& items, const HostItem& item) {
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

void AddressMatcher::add_name(Items& items, const std::string& name) const {
    const auto index = names_->index(name);
    if (!index) throw std::invalid_argument("host list: nobody looks up the name '" + name + "'");
    items.names.push_back(*index);
}

void AddressMatcher::add_pattern(Items& items, const std::string& text) {
    std::string error;
    const auto pattern = base::Pattern::compile(text, error);
    if (!pattern) throw std::invalid_argument("host list: '~" + text + "': " + error);
    items.patterns.push_back(*pattern);
    has_patterns_ = true;
}

/// Each list is compiled once, however often it is used. A null entry is a list that is being compiled.
AddressMatcher::Nested AddressMatcher::nested(std::size_t index, std::span<const conf::NamedList> lists,
                                              Compiled& compiled) const {
    if (index >= lists.size())
        throw std::invalid_argument("host list: no list number " + std::to_string(index));
    const auto [place, is_new] = compiled.try_emplace(index);
    if (!is_new) {
        if (!place->second)
            throw std::invalid_argument("host list '" + lists[index].name + "' contains itself");
        return place->second;
    }
    std::shared_ptr<AddressMatcher> matcher(new AddressMatcher(*names_));
    matcher->nobody_ = lists[index].items.empty();
    matcher->compile(lists[index].items, lists, compiled);
    compiled[index] = matcher;
    return matcher;
}

}  // namespace policy
