#include "conf/host_items.hpp"

#include <algorithm>

#include "conf/address_block.hpp"
#include "conf/expect.hpp"

namespace conf {
namespace {

const std::string host_forms =
    "an address, a network like 10.0.0.0/8, a range like 10.0.0.5-10.0.0.9, '*' or '@list'";

std::optional<HostItem> read_list_name(const Place& place, std::string_view name,
                                       const std::vector<NamedList>& lists) {
    const auto list =
        std::find_if(lists.begin(), lists.end(), [&](const NamedList& l) { return l.name == name; });
    if (list == lists.end()) {
        std::vector<std::string> names;
        if (place.report.full()) return std::nullopt;
        for (const NamedList& known : lists)
            names.push_back(known.name);
        place.refuse("there is no list " + shown(name), "a name from lists", name, names);
        return std::nullopt;
    }
    HostItem item;
    item.kind = HostItem::Kind::list;
    item.list = static_cast<std::size_t>(list - lists.begin());
    return item;
}

HostItem range_item(const Address& first, const Address& last) {
    HostItem item;
    item.kind = HostItem::Kind::range;
    item.first = first;
    item.last = last;
    return item;
}

std::optional<HostItem> read_masked(const Place& place, const Address& base, std::string_view mask_text) {
    const unsigned bits = address_bits(base.family);
    const auto prefix = parse_whole_number(mask_text);
    const auto mask = prefix && *prefix <= bits ? prefix_mask(base.family, static_cast<unsigned>(*prefix))
                                                : base::parse_address(mask_text).value_or(Address{});
    if (mask.family != base.family) {
        place.refuse(shown(mask_text) + " is no mask of " + base::to_string(base),
                     "0 to " + std::to_string(bits) + " or a mask like 255.255.0.0");
        return std::nullopt;
    }
    const Address value = masked(base, mask);
    if (value != base) {
        place.warn("the address has bits outside the mask; it means " + base::to_string(value) + "/" +
                   std::string(mask_text));
    }
    if (prefix_of_mask(mask)) return range_item(value, last_of(value, mask));
    HostItem item;
    item.kind = HostItem::Kind::mask;
    item.value = value;
    item.mask = mask;
    return item;
}

std::optional<HostItem> read_range(const Place& place, const Address& first, std::string_view last_text) {
    const auto last = base::parse_address(last_text);
    if (!last || last->family != first.family || last->scope != 0) {
        place.refuse(shown(last_text) + " does not end a range that begins with " + base::to_string(first),
                     "an address of the same family");
        return std::nullopt;
    }
    if (*last < first) {
        place.refuse("a reversed range", base::to_string(*last) + "-" + base::to_string(first));
        return std::nullopt;
    }
    return range_item(first, *last);
}

/// Whether the text looks like a name of a host rather than like a slip in an address.
bool looks_like_name(std::string_view text) {
    const bool has_letter = std::any_of(
        text.begin(), text.end(), [](char c) { return (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z'); });
    return has_letter && is_word(text, 253);
}

std::optional<HostItem> read_addresses(const Place& place, std::string_view text) {
    const std::size_t split = text.find_first_of("/-");
    const auto first = base::parse_address(text.substr(0, split));
    if (first && first->scope != 0) {
        place.refuse(shown(text) + " names an interface", "an address without '%'");
    } else if (looks_like_name(text)) {
        place.refuse("host names come with a later version; give the address of " + shown(text));
    } else if (!first) {
        place.refuse(shown(text) + " is no host", host_forms);
    } else if (split == std::string_view::npos) {
        return range_item(*first, *first);
    } else if (text[split] == '/') {
        return read_masked(place, *first, text.substr(split + 1));
    } else {
        return read_range(place, *first, text.substr(split + 1));
    }
    return std::nullopt;
}

std::string address_text(const HostItem& item) {
    if (item.kind == HostItem::Kind::mask)
        return base::to_string(item.value) + "/" + base::to_string(item.mask);
    if (item.first == item.last) return base::to_string(item.first);
    if (const auto prefix = prefix_between(item.first, item.last)) {
        return base::to_string(item.first) + "/" + std::to_string(*prefix);
    }
    return base::to_string(item.first) + "-" + base::to_string(item.last);
}

}  // namespace

std::optional<HostItem> read_host_item(const Place& place, std::string_view text,
                                       const std::vector<NamedList>& lists) {
    const bool negated = text.starts_with('!');
    if (negated) text.remove_prefix(1);
    std::optional<HostItem> item;
    if (text == "*") {
        item.emplace();
    } else if (text.starts_with('@')) {
        item = read_list_name(place, text.substr(1), lists);
    } else if (text.starts_with('~')) {
        place.refuse("regular expressions come with a later version; give addresses");
    } else {
        item = read_addresses(place, text);
    }
    if (item) item->negated = negated;
    return item;
}

void read_host_items(const Place& place, const std::vector<NamedList>& lists, HostItems& items) {
    one_or_more(place, host_forms, [&](const Place& item) {
        const std::string* text = item.scalar(host_forms);
        if (!text) return;
        if (auto read = read_host_item(item, *text, lists)) items.push_back(*read);
    });
}

std::string to_string(const HostItem& item, const std::vector<NamedList>& lists) {
    const std::string sign = item.negated ? "!" : "";
    switch (item.kind) {
        case HostItem::Kind::any:
            return sign + "*";
        case HostItem::Kind::list:
            return sign + "@" + lists[item.list].name;
        case HostItem::Kind::range:
        case HostItem::Kind::mask:
            return sign + address_text(item);
    }
    return sign;
}

}  // namespace conf
