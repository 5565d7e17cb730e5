#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "libudpserver/ipc/channel.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "resolvers/lifetime.hpp"

namespace resolvers {

/// The news that the other end of a link has not got yet, each name's newest. Never waits: what the link does
/// not take now is sent soon.
class OwedNews {
public:
    static constexpr base::Duration retry_after = std::chrono::milliseconds(20);
    using Send = std::function<ipc::SendResult(const ipc::NameNews&)>;

    /// `send` gives one to the link; `closed` means that it is owed until send_all() is called again.
    OwedNews(boost::asio::io_context& io, Send send) : send_(std::move(send)), retry_(io) {}

    void add(const ipc::NameNews& news);
    void send_all();

    [[nodiscard]] std::size_t size() const { return owed_.size(); }
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
    Send send_;
    boost::asio::steady_timer retry_;
    std::map<std::string, ipc::NameNews> owed_;
    std::uint64_t refused_ = 0;
    Lifetime lifetime_;
};

}  // namespace resolvers
