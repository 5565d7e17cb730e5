#include "conf/host_items.hpp"

#include <algorithm>

#include "base/pattern.hpp"
#include "base/text.hpp"
#include "conf/address_block.hpp"
#include "conf/host_name.hpp"
#include "conf/value_type.hpp"

namespace conf {
namespace {

const std::string host_forms =
    "an address, a network like 10.0.0.0/8, a range like 10.0.0.5-10.0.0.9, a host name, '*' or '@list'";

constexpr std::size_t max_pattern_length = 512, max_wildcard_length = 253;

std::optional<HostItem> read_list_name(const NodeRef& ref, std::string_view name,
                                       const std::vector<NamedList>& lists) {
    const auto list =
        std::find_if(lists.begin(), lists.end(), [&](const NamedList& l) { return l.name == name; });
    if (list == lists.end()) {
        std::vector<std::string> names;
        if (ref.report.is_full()) return std::nullopt;
        for (const NamedList& known : lists)
            names.push_back(known.name);
        ref.refuse("unknown list " + quote(name), "a name from lists", name, names);
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

std::optional<HostItem> read_masked(const NodeRef& ref, const Address& base, std::string_view mask_text) {
    const unsigned bits = address_bits(base.family);
    const auto prefix = parse_whole_number(mask_text);
    const auto mask = prefix && *prefix <= bits ? prefix_mask(base.family, static_cast<unsigned>(*prefix))
                                                : base::parse_address(mask_text).value_or(Address{});
    if (mask.family != base.family) {
        ref.refuse("invalid mask " + quote(mask_text) + " for " + base::to_string(base),
                   "0 to " + std::to_string(bits) + " or a mask like 255.255.0.0");
        return std::nullopt;
    }
    const Address value = masked(base, mask);
    if (value != base) {
        ref.warn("the address has bits outside the mask; it is read as " + base::to_string(value) + "/" +
                 std::string(mask_text));
    }
    if (prefix_of_mask(mask)) return range_item(value, last_of(value, mask));
    HostItem item;
    item.kind = HostItem::Kind::mask;
    item.value = value;
    item.mask = mask;
    return item;
}

std::optional<HostItem> read_range(const NodeRef& ref, const Address& first, std::string_view last_text) {
    const auto last = base::parse_address(last_text);
    if (!last || last->family != first.family || last->scope != 0) {
        ref.refuse(
            "invalid end " + quote(last_text) + " of a range that starts with " + base::to_string(first),
            "an address of the same family");
        return std::nullopt;
    }
    if (*last < first) {
        ref.refuse("reversed range", base::to_string(*last) + "-" + base::to_string(first));
        return std::nullopt;
    }
    return range_item(first, *last);
}

HostItem named_item(HostItem::Kind kind, std::string text) {
    HostItem item;
    item.kind = kind;
    item.text = std::move(text);
    return item;
}

/// Other firewalls' words for `*`. A host of this name is written with a dot at its end.
bool is_word_for_all(std::string_view text) {
    const std::string word = base::lower(text);
    return word == "any" || word == "all";
}

std::optional<HostItem> read_word_for_all(const NodeRef& ref, std::string_view text,
                                          const std::vector<NamedList>& lists) {
    const std::string name(text);
    if (std::none_of(lists.begin(), lists.end(), [&](const NamedList& list) { return list.name == name; }))
        return HostItem{};
    ref.refuse("'" + name + "' means every host, but there is also a list of this name",
               "'*' or '@" + name + "'");
    return std::nullopt;
}

/// `lan` where `@lan` may have been meant.
void warn_of_list(const NodeRef& ref, const std::string& name, const std::vector<NamedList>& lists) {
    if (std::none_of(lists.begin(), lists.end(), [&](const NamedList& list) { return list.name == name; }))
        return;
    ref.warn("'" + name + "' is read as a host name; the list is '@" + name + "'");
}

/// Why no name can match, where that is certain: a name has neither slashes nor a dot at its end.
const char* never_matches(std::string_view text) {
    if (text.size() > 1 && text.starts_with('/') && (text.ends_with('/') || text.ends_with("/i")))
        return " is enclosed in slashes, so it matches no name";
    if (text.find('|') != std::string_view::npos) return nullptr;
    if (text.ends_with('$')) text.remove_suffix(1);
    if (!text.ends_with('.')) return nullptr;
    text.remove_suffix(1);
    const std::size_t escapes = text.size() - (text.find_last_not_of('\\') + 1);
    return escapes % 2 == 1 ? " ends with a dot, but names of clients do not, so it matches no name"
                            : nullptr;
}

/// Kept as it was written: what it means is for RE2 to say.
std::optional<HostItem> read_pattern(const NodeRef& ref, std::string_view text) {
    const bool visible = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
    std::string reason;
    if (text.empty()) {
        ref.refuse("the regular expression is empty", "an expression like ~.*[.]example[.]com");
    } else if (text.size() > max_pattern_length) {
        ref.refuse("the regular expression is longer than 512 characters");
    } else if (!visible) {
        ref.refuse("the regular expression has characters outside ASCII", "characters of host names");
    } else if (!base::Pattern::compile(text, reason)) {
        ref.refuse("invalid regular expression " + quote(text) + ": " + base::printable(reason));
    } else if (const char* why = never_matches(text)) {
        ref.refuse(quote(text) + why, "an expression that matches whole names, like ~.*[.]example[.]com");
    } else {
        return named_item(HostItem::Kind::pattern, std::string(text));
    }
    return std::nullopt;
}

std::string no_host(std::string_view text) {
    const bool foreign = std::any_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; });
    const char* const why = foreign                      ? ": encode letters outside ASCII as xn--..."
                            : base::parse_endpoint(text) ? ": the port of a client is not matched"
                            : text.find(',') != std::string_view::npos
                                ? ": write a list with an item for each"
                                : "";
    return quote(text) + " is not a host name or address" + why;
}

/// The regular expression for `*.example.com` or `.example.com`; empty for what is meant otherwise.
std::string meant_pattern(std::string_view text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto fits = [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') ||
               std::string_view("-_.*").find(c) != std::string_view::npos;
    };
    const bool below = text.starts_with('.');
    if (text.size() > max_wildcard_length || (!below && text.find('*') == std::string_view::npos)) return {};
    if (std::none_of(text.begin(), text.end(), letter) || !std::all_of(text.begin(), text.end(), fits))
        return {};
    std::string pattern = below ? ".*" : "";
    for (const char c : text) {
        if (c == '.') pattern += '\\';
        if (c == '*') pattern += '.';
        pattern += c;
    }
    return pattern;
}

/// Only where a regular expression may stand, for it is what should have been written.
bool refuse_wildcard(const NodeRef& ref, std::string_view text) {
    const std::string sign = text.starts_with('!') ? "!" : "";
    const std::string pattern = meant_pattern(text.substr(sign.size()));
    if (pattern.empty()) return false;
    ref.refuse(quote(text) + " is not a host name or address",
               "'" + sign + "~" + pattern + "' to match all such names");
    return true;
}

std::optional<HostItem> read_addresses(const NodeRef& ref, std::string_view text) {
    const std::size_t split = text.find_first_of("/-");
    const auto first = base::parse_address(text.substr(0, split));
    if (first && first->scope != 0) {
        ref.refuse(quote(text) + " has an interface", "an address without '%'");
    } else if (!first) {
        ref.refuse(no_host(text), host_forms);
    } else if (split == std::string_view::npos) {
        return range_item(*first, *first);
    } else if (text[split] == '/') {
        return read_masked(ref, *first, text.substr(split + 1));
    } else {
        return read_range(ref, *first, text.substr(split + 1));
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

bool in_range(const Address& first, const Address& address, const Address& last) {
    return first.family == address.family && first.bytes <= address.bytes && address.bytes <= last.bytes;
}

}  // namespace

std::optional<HostItem> read_host_item(const NodeRef& ref, std::string_view text,
                                       const std::vector<NamedList>& lists) {
    const bool negated = text.starts_with('!');
    if (negated) text.remove_prefix(1);
    std::optional<HostItem> item;
    if (text == "*") {
        item.emplace();
    } else if (is_word_for_all(text)) {
        item = read_word_for_all(ref, text, lists);
    } else if (base::lower(text) == "none") {
        ref.refuse("'none' matches nothing",
                   "hosts; to accept no client, remove the rule or use action: deny");
    } else if (text.starts_with('@')) {
        item = read_list_name(ref, text.substr(1), lists);
    } else if (text.starts_with('~')) {
        item = read_pattern(ref, text.substr(1));
    } else if (auto name = host_name(text)) {
        warn_of_list(ref, *name, lists);
        item = named_item(HostItem::Kind::name, std::move(*name));
    } else {
        item = read_addresses(ref, text);
    }
    if (item) item->negated = negated;
    return item;
}

void read_host_items(const NodeRef& ref, const std::vector<NamedList>& lists, HostItems& items) {
    one_or_more(ref, host_forms, [&](const NodeRef& item) {
        const std::string* text = item.scalar(host_forms);
        if (!text || refuse_wildcard(item, *text)) return;
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
        case HostItem::Kind::name:
            return sign + item.text;
        case HostItem::Kind::pattern:
            return sign + "~" + item.text;
    }
    return sign;
}

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
