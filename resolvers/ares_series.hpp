#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "resolvers/ares_exchange.hpp"
#include "resolvers/lifetime.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// One name, one record type, asked of one server after the other until one of them knows, with the
/// configured number of rounds. An answer that does not fit into a datagram is asked for again by TCP.
class AresSeries {
public:
    using Done = std::function<void(const Answer&)>;

    /// `done` is called once, from the loop; it may destroy the series. Destroying it before cancels it.
    AresSeries(const AresContext& context, std::string name, RecordType type, Done done);

    /// `#1 SERVFAIL, #2 no answer`: what was found out so far.
    [[nodiscard]] std::string progress() const;

private:
    void ask(Transport transport);
    void ask_next();
    void on_result(const AresExchange::Result& result);
    void on_answer(const DnsAnswer& answer);
    void give_up();
    void note(std::string_view what);
    void finish(Answer answer);
    [[nodiscard]] std::size_t server() const { return servers_[attempt_ % servers_.size()]; }
    [[nodiscard]] AresExchange::Limits limits() const;

    const AresContext context_;
    std::string name_;
    RecordType type_;
    Done done_;
    std::vector<std::size_t> servers_;    ///< in the order to ask them
    std::vector<std::string_view> said_;  ///< the last trouble with each
    std::size_t attempt_ = 0;
    Transport transport_{};
    bool only_silence_ = true;
    std::unique_ptr<AresExchange> exchange_;
    Lifetime lifetime_;
};

}  // namespace resolvers
