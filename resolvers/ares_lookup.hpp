#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "resolvers/name_servers.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// One question answered by name servers: A and AAAA at the same time, over the search list; or the names of
/// an address. Each is asked of one server after the other, for the configured number of rounds, until one
/// knows it. The list is complete or there is none (K-54): if one family fails, the question fails. A failure
/// ends the search, too, because the next domain could be another host. It has no time-out of its own.
class AresLookup {
public:
    using Done = std::function<void(const Answer&)>;

    /// `names`: what to ask for, one after the other, not empty; one reverse name if `reverse`. There is a
    /// server to ask. `done` is called once, from the loop, and may destroy the look-up. Destroying it before
    /// cancels it.
    AresLookup(NameServers& servers, bool reverse, std::vector<std::string> names, Done done);

    /// `A: #1 SERVFAIL, #2 no answer`: what is known so far, for a question that timed out.
    [[nodiscard]] std::string progress() const;

private:
    /// One record type of the current name.
    struct Part {
        RecordType type;
        std::vector<std::size_t> order{};          ///< of the servers
        std::vector<std::string_view> failures{};  ///< the last one of each server
        std::size_t attempt = 0;
        bool only_silence = true;
        NameServers::Exchange exchange{};
        std::optional<Answer> answer{};

        [[nodiscard]] std::size_t server() const { return order[attempt % order.size()]; }
        [[nodiscard]] std::string progress() const;
    };

    void ask_name();
    void ask(Part& part, conf::Transport transport);
    void ask_next(Part& part, std::string_view why);
    void on_result(Part& part, const AresExchange::Result& result);
    void on_part(Part& part, Answer answer);
    void on_name(Answer answer);
    void finish(Answer answer);
    [[nodiscard]] base::Duration timeout(const Part& part) const;

    NameServers& servers_;
    std::vector<std::string> names_;
    Done done_;
    std::size_t current_ = 0;
    std::vector<Part> parts_;
    std::optional<Answer> denial_;  ///< the best so far: the name exists without data
};

/// Two parts of one name as one answer.
Answer merged(const Answer& one, const Answer& other);

}  // namespace resolvers
