#include "resolvers/name_publisher.hpp"

#include <fmt/format.h>

namespace resolvers {

void NamePublisher::link(base::UniqueFd socket) {
    channel_ = std::make_unique<ipc::Channel>(io_, std::move(socket), ipc::Party::acr, ipc::Party::reg);
    channel_->on_closed([this](const std::string&) { on_closed(); });
    ++links_;
    for (const auto& [name, news] : last_)
        owed_.insert(name);
    send_owed();
}

void NamePublisher::tell(const ipc::NameNews& news) {
    last_[news.name] = news;
    owed_.insert(news.name);
    // Nothing overtakes what is owed already.
    if (owed_.size() == 1) send_owed();
}

void NamePublisher::send_owed() {
    while (channel_ && !owed_.empty()) {
        const auto result = channel_->send(last_.at(*owed_.begin()));
        if (result == ipc::SendResult::closed) return;
        if (result == ipc::SendResult::busy) {
            retry_.expires_after(retry_after);
            retry_.async_wait(lifetime_.guard([this](const boost::system::error_code& error) {
                if (!error) send_owed();
            }));
            return;
        }
        if (result == ipc::SendResult::refused) ++refused_;  // whoever keeps names lets none grow so big
        owed_.erase(owed_.begin());
    }
}

void NamePublisher::on_closed() {
    channel_.reset();
    retry_.cancel();
}

std::string NamePublisher::info() const {
    return fmt::format("names told {}, owed {}, refused {}, links {}, {}", last_.size(), owed_.size(),
                       refused_, links_, linked() ? "linked to REG" : "no link to REG");
}

}  // namespace resolvers
