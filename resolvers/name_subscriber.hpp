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

/// REG's end of the link from ACR: hands news on to the sink. One packet is one list, so nobody ever sees a
/// part of one (K-64). A malformed one closes the link (UDPS-310-E). While there is no link, what was told
/// stays as it is.
class NameSubscriber {
public:
    NameSubscriber(boost::asio::io_context& io, NameSink& sink) : io_(io), sink_(sink) {}

    /// A new link takes the place of the old one.
    void link(base::UniqueFd socket);

    /// The link is closed, from either side.
    void on_lost(std::function<void()> callback) { on_lost_ = std::move(callback); }

    [[nodiscard]] bool linked() const { return channel_ != nullptr; }
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
