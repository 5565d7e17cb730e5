#include "resolvers/name_subscriber.hpp"

namespace resolvers {

void NameSubscriber::link(base::UniqueFd socket) {
    channel_ = std::make_unique<ipc::Channel>(io_, std::move(socket), ipc::Party::reg, ipc::Party::acr);
    channel_->on_message([this](ipc::Message& message) { on_message(message); });
    channel_->on_closed([this](const std::string&) {
        channel_.reset();
        if (on_lost_) on_lost_();
    });
}

void NameSubscriber::on_message(ipc::Message& message) {
    const auto news = ipc::read<ipc::NameNews>(message);
    if (!news) return channel_->refuse("a malformed name-news");
    ++received_;
    sink_.tell(*news);
}

}  // namespace resolvers
