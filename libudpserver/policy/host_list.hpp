#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/endpoint.hpp"
#include "base/pattern.hpp"
#include "conf/config.hpp"
#include "libudpserver/policy/names.hpp"

namespace policy {

/// Whether something matches, or what must be known first. The order matters: the greatest of several decides
/// an "or".
enum class Match : std::uint8_t {
    no,
    needs_client_names,  ///< the client's reverse names
    needs_names,         ///< a configured name; comes first, because then the client need not be looked up
    yes
};

[[nodiscard]] constexpr bool undecided(Match match) {
    return match != Match::no && match != Match::yes;
}

[[nodiscard]] constexpr Match either(Match a, Match b) {
    return std::max(a, b);
}

/// A certain "no" makes the other one irrelevant.
[[nodiscard]] constexpr Match both(Match a, Match b) {
    if (a == Match::no || b == Match::no) return Match::no;
    if (a == Match::yes) return b;
    return b == Match::yes ? a : std::max(a, b);
}

[[nodiscard]] constexpr Match inverse(Match match) {
    if (undecided(match)) return match;
    return match == Match::yes ? Match::no : Match::yes;
}

/// A set of address ranges of both families, without scopes. contains() is one binary search.
class AddressRanges {
public:
    /// Both ends are included and of one family.
    void add(const base::Address& first, const base::Address& last);
    /// After the last add(), before the first contains().
    void merge();

    [[nodiscard]] bool contains(const base::Address& address) const;

private:
    /// The bytes as numbers, which compare faster.
    struct Key {
        std::uint64_t high = 0, low = 0;
        auto operator<=>(const Key&) const = default;
    };
    using Ranges = std::vector<std::pair<Key, Key>>;

    static Key key_of(const base::Address& address);
    static void merge(Ranges& ranges);

    Ranges v4_, v6_;  ///< sorted, not overlapping
};

/// What a host list is asked about.
struct Host {
    const base::Address& address;
    const std::vector<std::string>* names = nullptr;  ///< confirmed reverse names; null while not known
};

/// A host list, compiled (K-34). It matches an address if a positive item does, or there is none, and no
/// negated item does. A nested list is an item that matches as a whole: `!@lan` excludes what `@lan` matches,
/// and does not add what `@lan` itself excludes. An empty list matches all addresses, an empty nested one
/// none.
///
/// Names may change at any time: match() looks their addresses up. An item that depends on an unknown name is
/// undecided, and the list is undecided only if its other items do not settle the answer.
class HostList {
public:
    /// `names` outlives this object. Throws std::invalid_argument for what the loader rejects: a missing or
    /// recursive list, a name that is not in `names`, a bad pattern.
    HostList(const conf::HostItems& items, std::span<const conf::NamedList> lists, const Names& names);

    /// Family::none never matches.
    [[nodiscard]] Match match(const Host& host) const;
    /// True if a negated item of this very list excludes a host that it could match otherwise.
    [[nodiscard]] bool excludes(const Host& host) const;
    /// True if this list, or one that it uses, has a pattern.
    [[nodiscard]] bool has_patterns() const { return has_patterns_; }
    /// True if what match() returns for an address may change.
    [[nodiscard]] bool depends_on_names() const { return depends_on_names_; }

    /// When match() needs names: the first one that is missing.
    [[nodiscard]] std::optional<std::size_t> missing_name(const Host& host) const;
    /// The known names without an address: with one, they could match.
    [[nodiscard]] std::vector<std::size_t> names_without_address() const;

private:
    using Nested = std::shared_ptr<const HostList>;
    using Compiled = std::map<std::size_t, Nested>;

    struct Items {
        bool any = false;
        AddressRanges ranges;
        std::vector<conf::HostItem> linear;  ///< masks with gaps, and ranges within one interface's scope
        std::vector<Nested> nested;
        std::vector<std::size_t> names;
        std::vector<base::Pattern> patterns;

        [[nodiscard]] Match match(const Host& host, const Names& known) const;
        [[nodiscard]] bool contain(const base::Address& address) const;
        [[nodiscard]] Match match_patterns(const Host& host) const;
        [[nodiscard]] std::optional<std::size_t> missing_name(const Host& host, const Names& known) const;
    };

    explicit HostList(const Names& names) : names_(&names) {}
    void compile(const conf::HostItems& items, std::span<const conf::NamedList> lists, Compiled& compiled);
    void add(Items& items, const conf::HostItem& item);
    void add_name(Items& items, const std::string& name);
    void add_pattern(Items& items, const std::string& text);
    Nested nested(std::size_t index, std::span<const conf::NamedList> lists, Compiled& compiled) const;
    [[nodiscard]] Match positive(const Host& host) const;

    const Names* names_;
    bool matches_all_ = true;    ///< no positive items
    bool matches_none_ = false;  ///< an empty nested list
    bool has_patterns_ = false;
    bool depends_on_names_ = false;
    Items positive_, negated_;
};

}  // namespace policy
