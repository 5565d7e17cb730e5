#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "base/unique_fd.hpp"
#include "libudpserver/ipc/channel.hpp"
#include "resolvers/alive_guard.hpp"
#include "resolvers/configured_names.hpp"
#include "resolvers/name_sink.hpp"

namespace resolvers {

/// Sends ACR's updates to REG, which applies them, and to the parent, which keeps them for the next ACR.
/// Never blocks: a name that a link does not accept now stays pending, and its then current update is sent
/// later.
class NamePublisher : public NameSink {
public:
    NamePublisher(boost::asio::io_context& io, const ConfiguredNames& names, ipc::Channel& parent)
        : io_(io), names_(names), retry_(io), parent_{.channel = &parent} {}

    /// Replaces the link to REG and sends all names over the new one.
    void link(base::UniqueFd socket);
    void update(const ipc::NameUpdate& update) override;

    [[nodiscard]] bool is_linked() const { return reg_.channel != nullptr; }
    /// Names whose update REG does not have yet.
    [[nodiscard]] std::size_t pending() const { return reg_.pending.size(); }
    /// One line for INFO.
    [[nodiscard]] std::string info() const;

private:
    struct Peer {
        ipc::Channel* channel = nullptr;  ///< null: no link, all updates stay pending
        std::set<std::string> pending;
        std::uint64_t refused = 0;  ///< updates that are too long for a message
    };

    void send_pending(Peer& peer);
    void retry_later();

    boost::asio::io_context& io_;
    const ConfiguredNames& names_;
    std::unique_ptr<ipc::Channel> reg_channel_;
    boost::asio::steady_timer retry_;
    Peer reg_, parent_;
    std::uint64_t links_ = 0;
    AliveGuard alive_;
};

}  // namespace resolvers
