#include "libudpserver/ipc/requests.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "base/log.hpp"

namespace ipc {

std::uint32_t Requests::add(Callback callback) {
    do {
        ++last_id_;
    } while (last_id_ == 0 || pending_.contains(last_id_));
    pending_.emplace(last_id_, std::move(callback));
    return last_id_;
}

void Requests::answer(Message& message) {
    const auto found = pending_.find(message.id);
    if (found == pending_.end()) {
        base::log::write(base::msg::answer_unknown, "{} with id {}: no such request", to_string(message.type),
                         message.id);
        return;
    }
    // Forgotten first: the callback may send another request, or destroy this object.
    const Callback callback = std::move(found->second);
    pending_.erase(found);
    callback(&message);
}

void Requests::fail_all() {
    if (pending_.empty()) return;
    boost::asio::post(io_, [dead = std::exchange(pending_, {})] {
        for (const auto& [id, callback] : dead)
            callback(nullptr);
    });
}

}  // namespace ipc
