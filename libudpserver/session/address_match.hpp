#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "conf/config.hpp"

namespace session {

/// A host list, compiled (K-34). An address matches when a positive item matches it, or there are none, and
/// no negated item does. A nested list is asked as a whole: `!@lan` excludes what `@lan` matches and does not
/// bring in what `@lan` itself excludes. An empty list matches everybody, an empty nested one nobody.
class AddressMatcher {
public:
    /// Throws std::invalid_argument when a list is not there or contains itself; the loader refuses both.
    AddressMatcher(const conf::HostItems& items, std::span<const conf::NamedList> lists);

    /// Family::none never matches.
    [[nodiscard]] bool matches(const base::Address& address) const;
    /// It would match, but for a negated item of this very list.
    [[nodiscard]] bool excludes(const base::Address& address) const;

private:
    using Bytes = std::array<std::uint8_t, 16>;
    using Compiled = std::map<std::size_t, std::shared_ptr<const AddressMatcher>>;

    /// Sorted, not overlapping: one binary search.
    class Ranges {
    public:
        void add(const Bytes& first, const Bytes& last) { ranges_.emplace_back(first, last); }
        void merge();
        [[nodiscard]] bool contains(const Bytes& address) const;

    private:
        std::vector<std::pair<Bytes, Bytes>> ranges_;
    };

    struct Items {
        bool any = false;
        Ranges v4, v6;
        std::vector<conf::HostItem> linear;  ///< masks with gaps, and ranges within one interface's scope
        std::vector<std::shared_ptr<const AddressMatcher>> nested;

        [[nodiscard]] bool contain(const base::Address& address) const;
    };

    AddressMatcher() = default;
    void compile(const conf::HostItems& items, std::span<const conf::NamedList> lists, Compiled& compiled);
    static void add(Items& items, const conf::HostItem& item);
    static std::shared_ptr<const AddressMatcher> nested(std::size_t index,
                                                        std::span<const conf::NamedList> lists,
                                                        Compiled& compiled);

    bool everybody_ = true;  ///< no positive items
    bool nobody_ = false;    ///< an empty nested list
    Items positive_, negated_;
};

}  // namespace session
