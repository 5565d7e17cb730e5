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
    const auto update = ipc::read<ipc::NameUpdate>(message);
    if (!update) return channel_->refuse("malformed name-update");
    ++received_;
    sink_.update(*update);
}

}  // namespace resolvers
