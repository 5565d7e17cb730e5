#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/unique_fd.hpp"
#include "libudpserver/ipc/channel.hpp"
#include "resolvers/name_sink.hpp"

namespace resolvers {

/// REG's end of the link from ACR: passes updates to the sink. One packet carries one whole list, so a list
/// is never seen in part (K-64). A malformed packet closes the link (UDPS-310-E). Without a link all names
/// keep their addresses.
class NameSubscriber {
public:
    NameSubscriber(boost::asio::io_context& io, NameSink& sink) : io_(io), sink_(sink) {}

    /// Replaces the link.
    void link(base::UniqueFd socket);

    /// Called when either side has closed the link.
    void on_lost(std::function<void()> callback) { on_lost_ = std::move(callback); }

    [[nodiscard]] bool is_linked() const { return channel_ != nullptr; }
    [[nodiscard]] std::uint64_t received() const { return received_; }

private:
    void on_message(ipc::Message& message);

    boost::asio::io_context& io_;
    NameSink& sink_;
    std::function<void()> on_lost_;
    std::uint64_t received_ = 0;
    std::unique_ptr<ipc::Channel> channel_;
};

}  // namespace resolvers
