#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "base/unique_fd.hpp"
#include "libudpserver/ipc/channel.hpp"
#include "resolvers/alive_guard.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// APR: answers REG's questions (K-57), each under the id of its question. Too many at a time are `busy`. An
/// answer that does not fit into a packet becomes a failure; it is never truncated.
class ResolverService {
public:
    static constexpr std::size_t max_pending = 4096;

    ResolverService(boost::asio::io_context& io, Resolver& resolver, std::size_t limit = max_pending)
        : io_(io), resolver_(resolver), limit_(limit) {}

    /// A new link replaces the old one; answers to the old one's questions are dropped.
    void link(base::UniqueFd socket);

    [[nodiscard]] bool linked() const { return channel_ != nullptr; }
    [[nodiscard]] std::size_t pending() const { return pending_; }
    /// One line for INFO (K-20).
    [[nodiscard]] std::string info() const;

private:
    void on_message(ipc::Message& message);
    void on_answer(std::uint64_t link, std::uint32_t id, const Answer& answer);
    void send(std::uint32_t id, const Answer& answer);
    void forget_link();

    boost::asio::io_context& io_;
    Resolver& resolver_;
    std::size_t limit_;
    std::size_t pending_ = 0;
    std::uint64_t link_ = 0;  ///< number of the current link
    std::uint64_t lost_ = 0;  ///< answers whose link had closed, or refused them
    std::array<std::uint64_t, base::lookup_statuses> answered_{};
    std::unique_ptr<ipc::Channel> channel_;
    AliveGuard alive_;
};

}  // namespace resolvers
