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
/// knows it. The list of a family is complete or there is none (K-54). The families are independent: the
/// answer names the one that failed, and the other's addresses are used. A failure ends the search, because
/// the next domain could be another host. It has no time-out of its own, but once one family has addresses,
/// the other one is waited for only as long as for one server.
class AresLookup {
public:
    using Done = std::function<void(const Answer&)>;

    /// What to ask for: `names` one after the other, not empty; one reverse name if `reverse`; only addresses
    /// of `family` if it is set.
    struct Subject {
        std::vector<std::string> names;
        bool reverse = false;
        base::Family family = base::Family::none;
    };
    /// There is a server to ask. `done` is called once, from the loop, and may destroy the look-up.
    /// Destroying it before cancels it.
    AresLookup(NameServers& servers, Subject subject, Done done);

    /// `A: #1 SERVFAIL, #2 no answer`: what is known so far, for a question that timed out.
    [[nodiscard]] std::string progress() const;
    /// The answer if it cannot be waited for any longer: what one family has, or a time-out.
    [[nodiscard]] Answer give_up() const;

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
    void limit_wait();
    void on_name(Answer answer);
    void finish(Answer answer);
    [[nodiscard]] base::Duration timeout(const Part& part) const;

    NameServers& servers_;
    std::vector<std::string> names_;
    Done done_;
    std::size_t current_ = 0;
    std::vector<Part> parts_;
    std::optional<Answer> denial_;  ///< the best so far: the name exists without data
    boost::asio::steady_timer wait_;
    AliveGuard alive_;
};

/// The answers for two families, or of two domains, as one.
Answer merged(const Answer& one, const Answer& other);

}  // namespace resolvers
