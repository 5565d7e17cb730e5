#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/unique_fd.hpp"
#include "libudpserver/ipc/channel.hpp"
#include "resolvers/name_sink.hpp"
#include "resolvers/owed_news.hpp"

namespace resolvers {

/// ACR's end of the link to REG. Remembers the last news of each name, so that a new REG is told everything.
/// Never waits: what the link does not take now is owed, and sent soon in its newest state.
class NamePublisher : public NameSink {
public:
    explicit NamePublisher(boost::asio::io_context& io);

    /// A new link takes the place of the old one.
    void link(base::UniqueFd socket);
    void tell(const ipc::NameNews& news) override;

    [[nodiscard]] bool linked() const { return channel_ != nullptr; }
    [[nodiscard]] std::size_t owed() const { return owed_.size(); }
    /// One line for INFO.
    [[nodiscard]] std::string info() const;

private:
    boost::asio::io_context& io_;
    std::map<std::string, ipc::NameNews> last_;
    std::unique_ptr<ipc::Channel> channel_;
    OwedNews owed_;  ///< without a link: everything
    std::uint64_t links_ = 0;
};

}  // namespace resolvers
