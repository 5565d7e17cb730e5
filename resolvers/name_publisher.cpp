#include "resolvers/name_publisher.hpp"

#include <fmt/format.h>

namespace resolvers {

NamePublisher::NamePublisher(boost::asio::io_context& io)
    : io_(io), owed_(io, [this](const ipc::NameNews& news) {
          return channel_ ? channel_->send(news) : ipc::SendResult::closed;
      }) {}

void NamePublisher::link(base::UniqueFd socket) {
    channel_ = std::make_unique<ipc::Channel>(io_, std::move(socket), ipc::Party::acr, ipc::Party::reg);
    channel_->on_closed([this](const std::string&) { channel_.reset(); });
    ++links_;
    for (const auto& [name, news] : last_)
        owed_.add(news);
    owed_.send_all();
}

void NamePublisher::tell(const ipc::NameNews& news) {
    last_[news.name] = news;
    owed_.add(news);
}

std::string NamePublisher::info() const {
    return fmt::format("names told {}, owed {}, refused {}, links {}, {}", last_.size(), owed_.size(),
                       owed_.refused(), links_, linked() ? "linked to REG" : "no link to REG");
}

}  // namespace resolvers
