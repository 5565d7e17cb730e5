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

/// The work of APR: answers REG's questions (K-57). A question has the id that its answer gets. Too many at a
/// time are answered as busy; an answer that does not fit into a packet fails, it is never cut to a part.
class ResolverService {
public:
    static constexpr std::size_t max_pending = 4096;

    ResolverService(boost::asio::io_context& io, Resolver& resolver, std::size_t limit = max_pending)
        : io_(io), resolver_(resolver), limit_(limit) {}

    /// A new link takes the place of the old one; answers to the old one's questions go nowhere.
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
    std::uint64_t lost_ = 0;  ///< answers whose link was gone, or did not take them
    std::array<std::uint64_t, base::lookup_statuses> answered_{};
    std::unique_ptr<ipc::Channel> channel_;
    AliveGuard alive_;
};

}  // namespace resolvers
