#include "resolvers/owed_news.hpp"

namespace resolvers {

void OwedNews::add(const ipc::NameNews& news) {
    owed_[news.name] = news;
    // Nothing overtakes what is owed already.
    if (owed_.size() == 1) send_all();
}

void OwedNews::send_all() {
    while (!owed_.empty()) {
        const auto result = send_(owed_.begin()->second);
        if (result == ipc::SendResult::closed) return;
        if (result == ipc::SendResult::busy) {
            retry_.expires_after(retry_after);
            retry_.async_wait(lifetime_.guard([this](const boost::system::error_code& error) {
                if (!error) send_all();
            }));
            return;
        }
        if (result == ipc::SendResult::refused) ++refused_;  // whoever keeps names lets none grow so big
        owed_.erase(owed_.begin());
    }
}

}  // namespace resolvers
