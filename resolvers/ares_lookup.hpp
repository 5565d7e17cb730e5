#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "resolvers/ares_series.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// One question answered by name servers: A and AAAA at the same time, over the search list; or the names of
/// an address. The list is whole or there is none (K-54): when one family fails, the question fails. A
/// failure ends the search too, because the next domain could mean another host. It has no time-out of its
/// own.
class AresLookup {
public:
    using Done = std::function<void(const Answer&)>;

    /// `names`: what to ask for, one after the other, not empty; one reverse name if `reverse`. `done`
    /// is called once, from the loop; it may destroy the look-up.
    AresLookup(const AresContext& context, bool reverse, std::vector<std::string> names, Done done);

    /// What was found out so far, for a question that timed out.
    [[nodiscard]] std::string progress() const;

private:
    /// One record type of the current name.
    struct Part {
        RecordType type;
        std::unique_ptr<AresSeries> series{};
        std::optional<Answer> answer{};
    };

    void ask();
    void on_part(std::size_t index, const Answer& answer);
    void on_name(Answer answer);
    void finish(Answer answer);

    const AresContext context_;
    std::vector<std::string> names_;
    Done done_;
    std::size_t current_ = 0;
    std::vector<Part> parts_;
    std::optional<Answer> denial_;  ///< the best of those so far: the name exists without data
};

/// Two parts of one name as one answer.
Answer merged(const Answer& one, const Answer& other);

}  // namespace resolvers
