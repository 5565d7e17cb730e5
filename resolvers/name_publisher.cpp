#include "resolvers/name_publisher.hpp"

#include <fmt/format.h>

namespace resolvers {
namespace {

constexpr base::Duration retry_delay = std::chrono::milliseconds(20);

}  // namespace

void NamePublisher::link(base::UniqueFd socket) {
    reg_channel_ = std::make_unique<ipc::Channel>(io_, std::move(socket), ipc::Party::acr, ipc::Party::reg);
    reg_channel_->on_closed([this](const std::string&) {
        reg_.channel = nullptr;
        reg_channel_.reset();
    });
    reg_.channel = reg_channel_.get();
    ++links_;
    for (const ipc::NameUpdate& update : names_.initial_updates())
        reg_.pending.insert(update.name);
    send_pending(reg_);
}

void NamePublisher::update(const ipc::NameUpdate& update) {
    for (Peer* peer : {&reg_, &parent_}) {
        if (peer == &parent_ && update.unresolved) continue;  // the parent keeps addresses only
        peer->pending.insert(update.name);
        // With others pending the link is busy or closed, and a retry or a new link sends them all.
        if (peer->pending.size() == 1) send_pending(*peer);
    }
}

void NamePublisher::send_pending(Peer& peer) {
    while (peer.channel != nullptr && !peer.pending.empty()) {
        const auto first = peer.pending.begin();
        switch (peer.channel->send(names_.current_update(*first))) {
            case ipc::SendResult::closed:
                return;
            case ipc::SendResult::busy:
                return retry_later();
            case ipc::SendResult::refused:
                ++peer.refused;
                [[fallthrough]];
            case ipc::SendResult::sent:
            case ipc::SendResult::queued:
                peer.pending.erase(first);
        }
    }
}

void NamePublisher::retry_later() {
    retry_.expires_after(retry_delay);
    retry_.async_wait(alive_.guard([this](const boost::system::error_code& error) {
        if (error) return;
        send_pending(reg_);
        send_pending(parent_);
    }));
}

std::string NamePublisher::info() const {
    return fmt::format("names published {}, pending {}, refused {}, links {}, {}",
                       names_.initial_updates().size(), pending(), reg_.refused, links_,
                       is_linked() ? "linked to REG" : "no link to REG");
}

}  // namespace resolvers
