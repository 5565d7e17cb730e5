#include "conf/host_name.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/text.hpp"

namespace conf {
namespace {

constexpr std::size_t max_name_length = 253, max_label_length = 63;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}

bool is_label(std::string_view label) {
    const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; };
    return !label.empty() && label.size() <= max_label_length && !label.starts_with('-') &&
           !label.ends_with('-') && std::all_of(label.begin(), label.end(), fits);
}

bool is_number(std::string_view label) {
    if (label.starts_with("0x")) {
        label.remove_prefix(2);
        return std::all_of(label.begin(), label.end(), is_hex_digit);
    }
    return std::all_of(label.begin(), label.end(), is_digit);
}

/// The labels of a name in lower case; none when one of them is wrong or the name is too long.
std::vector<std::string_view> labels_of(std::string_view name) {
    std::vector<std::string_view> labels;
    if (name.size() > max_name_length) return labels;
    while (true) {
        const std::size_t end = name.find('.');
        labels.push_back(name.substr(0, end));
        if (!is_label(labels.back())) return {};
        if (end == std::string_view::npos) return labels;
        name.remove_prefix(end + 1);
    }
}

std::string_view without_last_dot(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    return name;
}

/// Whether the text is more likely a mistyped address: no name in use looks like that.
bool looks_like_address(const std::vector<std::string_view>& labels) {
    if (is_number(labels.back())) return true;
    if (labels.size() == 1) return std::all_of(labels[0].begin(), labels[0].end(), is_hex_digit);
    if (is_digit(labels.front().front()) && is_digit(labels.back().front())) return true;
    const auto numbers = static_cast<std::size_t>(std::count_if(labels.begin(), labels.end(), is_number));
    return labels.size() >= 3 && labels.size() <= 4 && numbers + 1 == labels.size();
}

}  // namespace

std::optional<std::string> host_name(std::string_view text) {
    std::string name = base::lower(text);
    const auto labels = labels_of(without_last_dot(name));
    if (labels.empty() || looks_like_address(labels)) return std::nullopt;
    return name;
}

std::optional<std::string> domain_name(std::string_view text) {
    const std::string name = base::lower(without_last_dot(text));
    const auto labels = labels_of(name);
    if (labels.empty() || is_number(labels.back())) return std::nullopt;
    return name;
}

bool is_in_domain(std::string_view name, std::string_view domain) {
    name = without_last_dot(name);
    if (domain.empty() || !name.ends_with(domain)) return false;
    return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

}  // namespace conf
