#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/pattern.hpp"
#include "conf/config.hpp"
#include "libudpserver/policy/address_ranges.hpp"
#include "libudpserver/policy/match.hpp"
#include "libudpserver/policy/names.hpp"

namespace policy {

/// Whom a host list is asked about.
struct Asked {
    const base::Address& address;
    const std::vector<std::string>* names = nullptr;  ///< confirmed reverse names; null: not known
};

/// A host list, compiled (K-34). An address matches when a positive item matches it, or there are none, and
/// no negated item does. A nested list is asked as a whole: `!@lan` excludes what `@lan` matches and does not
/// bring in what `@lan` itself excludes. An empty list matches everybody, an empty nested one nobody.
///
/// What a name means is looked up in `names` when a question comes, so that a name may change at any time. An
/// item that depends on what is not known is undecided; the list is only if the certain items leave it so.
class AddressMatcher {
public:
    /// Throws std::invalid_argument when a list is not there or contains itself, a name is not in `names`, or
    /// a pattern is none; the loader refuses all of it. `names` outlives this object.
    AddressMatcher(const conf::HostItems& items, std::span<const conf::NamedList> lists, const Names& names);

    /// Family::none never matches.
    [[nodiscard]] Match match(const Asked& asked) const;
    /// It could match, but a negated item of this very list does for certain.
    [[nodiscard]] bool excludes(const Asked& asked) const;
    /// Whether a pattern is in it or in a list that it uses.
    [[nodiscard]] bool has_patterns() const { return has_patterns_; }

    /// When match() needs names: the first one that is missing.
    [[nodiscard]] std::optional<std::size_t> unknown_name(const Asked& asked) const;
    /// The names that would let somebody in, if they did not mean nothing now.
    [[nodiscard]] std::vector<std::size_t> names_of_nothing() const;

private:
    using Nested = std::shared_ptr<const AddressMatcher>;
    using Compiled = std::map<std::size_t, Nested>;

    struct Items {
        bool any = false;
        AddressRanges ranges;
        std::vector<conf::HostItem> linear;  ///< masks with gaps, and ranges within one interface's scope
        std::vector<Nested> nested;
        std::vector<std::size_t> names;
        std::vector<base::Pattern> patterns;

        [[nodiscard]] Match match(const Asked& asked, const Names& known) const;
        [[nodiscard]] bool contain(const base::Address& address) const;
        [[nodiscard]] Match match_patterns(const Asked& asked) const;
        [[nodiscard]] std::optional<std::size_t> unknown_name(const Asked& asked, const Names& known) const;
    };

    explicit AddressMatcher(const Names& names) : names_(&names) {}
    void compile(const conf::HostItems& items, std::span<const conf::NamedList> lists, Compiled& compiled);
    void add(Items& items, const conf::HostItem& item);
    void add_name(Items& items, const std::string& name) const;
    void add_pattern(Items& items, const std::string& text);
    Nested nested(std::size_t index, std::span<const conf::NamedList> lists, Compiled& compiled) const;
    [[nodiscard]] Match positive(const Asked& asked) const;

    const Names* names_;
    bool everybody_ = true;  ///< no positive items
    bool nobody_ = false;    ///< an empty nested list
    bool has_patterns_ = false;
    Items positive_, negated_;
};

}  // namespace policy
