#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "resolvers/alive_guard.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// Accepts a reverse name only if the name has the address in turn: the owner of a reverse zone can write any
/// name there (K-63). Other questions pass unchanged. The time-out is for all steps together; the TTL is the
/// shortest.
class ConfirmingResolver : public Resolver {
public:
    /// Further names of an address are not confirmed.
    static constexpr std::size_t max_confirmed = 4;

    /// `timeout`: for a question without its own.
    ConfirmingResolver(boost::asio::io_context& io, Resolver& inner, base::Duration timeout)
        : io_(io), inner_(inner), timeout_(timeout) {}
    ~ConfirmingResolver() override;

    void ask(Question question, Callback callback) override;

private:
    /// A question whose names are being confirmed.
    struct Work {
        Question question;
        Callback callback;
        base::Instant deadline;
        Answer reverse{};
        std::size_t pending = 0;             ///< names neither confirmed nor refused yet
        std::vector<std::string> confirmed;  ///< in the order of their answers
        Answer failure{};                    ///< the first one; ok: none
        base::Duration ttl{};
    };

    void on_names(std::uint64_t number, const Answer& answer);
    void confirm(std::uint64_t number, const std::string& name, base::Duration left);
    void on_addresses(std::uint64_t number, const std::string& name, const Answer& answer);
    static Answer result_of(const Work& work);
    void finish(std::uint64_t number, const Answer& answer);

    boost::asio::io_context& io_;
    Resolver& inner_;
    base::Duration timeout_;
    std::map<std::uint64_t, Work> works_;
    std::uint64_t last_number_ = 0;
    AliveGuard alive_;
};

}  // namespace resolvers
