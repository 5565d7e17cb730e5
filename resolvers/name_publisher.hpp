#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "libudpserver/base/unique_fd.hpp"
#include "libudpserver/ipc/channel.hpp"
#include "resolvers/lifetime.hpp"
#include "resolvers/name_sink.hpp"

namespace resolvers {

/// ACR's end of the link to REG. Remembers the last news of each name, so that a new REG is told everything.
/// Never waits: what the link does not take now is owed, and sent soon in its newest state.
class NamePublisher : public NameSink {
public:
    static constexpr base::Duration retry_after = std::chrono::milliseconds(20);

    explicit NamePublisher(boost::asio::io_context& io) : io_(io), retry_(io) {}

    /// A new link takes the place of the old one.
    void link(base::UniqueFd socket);
    void tell(const ipc::NameNews& news) override;

    [[nodiscard]] bool linked() const { return channel_ != nullptr; }
    [[nodiscard]] std::size_t owed() const { return owed_.size(); }
    /// One line for INFO.
    [[nodiscard]] std::string info() const;

private:
    void send_owed();
    void on_closed();

    boost::asio::io_context& io_;
    boost::asio::steady_timer retry_;
    std::map<std::string, ipc::NameNews> last_;
    std::set<std::string> owed_;  ///< without a link: everything
    std::unique_ptr<ipc::Channel> channel_;
    std::uint64_t links_ = 0, refused_ = 0;
    Lifetime lifetime_;
};

}  // namespace resolvers
