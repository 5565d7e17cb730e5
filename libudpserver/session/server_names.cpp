// Names between the main thread and the workers: news go to all of them, questions of theirs to the
// LookupSource and the answers back.

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <mutex>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "libudpserver/session/server.hpp"

namespace session {

/// The way of an answer to its worker. A LookupSource may answer in any thread, and after the Server is gone;
/// so may news have been told then.
struct Server::Door {
    std::mutex mutex;
    Server* server = nullptr;

    /// In the main thread, which is the one that shuts the door.
    Server* inside() {
        const std::lock_guard lock(mutex);
        return server;
    }

    void answer(unsigned worker, const LookupDone& done, LookupAnswer answer) {
        const std::lock_guard lock(mutex);
        if (server == nullptr) return;
        server->workers_[worker]->post([done, answer = std::move(answer)](SessionEngine& sessions) {
            done(sessions, answer, base::MonotonicClock::now());
        });
    }
};

std::shared_ptr<Server::Door> Server::open_door() {
    auto door = std::make_shared<Door>();
    door->server = this;
    return door;
}

void Server::close_door() {
    const std::lock_guard lock(door_->mutex);
    door_->server = nullptr;
}

std::function<void(Lookup, LookupDone)> Server::look_up(LookupSource* source, std::shared_ptr<Door> door,
                                                        unsigned worker) {
    if (source == nullptr) return {};
    return [source, door, worker](const Lookup& lookup, LookupDone done) {
        source->ask(lookup, [door, worker, done = std::move(done)](LookupAnswer answer) {
            door->answer(worker, done, std::move(answer));
        });
    };
}

namespace {

std::string to_string(const policy::Names::Addresses& addresses) {
    if (addresses.empty()) return "nothing";
    std::string text;
    for (const base::Address& address : addresses)
        text += (text.empty() ? "" : ", ") + base::to_string(address);
    return text;
}

std::string_view to_string(conf::OnNameChange what) {
    switch (what) {
        case conf::OnNameChange::keep:
            return "kept";
        case conf::OnNameChange::move:
            return "moved";
        case conf::OnNameChange::close:
            break;
    }
    return "closed";
}

}  // namespace

/// One change on its way through the workers; the last of them brings it back. It knows nothing of the
/// Server, which may be gone by then.
struct Server::News {
    std::string change;  ///< `name X: A -> B`
    std::string did;     ///< what sessions on addresses that went did; empty: none of them uses the name
    bool first = false, changed = false;
    std::atomic<std::size_t> workers, left = 0;

    void log() const {
        if (!changed) return;
        const std::string sessions =
            did.empty() ? "" : fmt::format(", {} sessions on addresses that went ({})", left.load(), did);
        base::log::write(first ? base::msg::debug : base::msg::name_changed, "{}{}", change, sessions);
    }
};

void Server::name_news(const std::string& name, std::vector<base::Address> addresses, bool unresolved) {
    const std::optional<std::size_t> index = names_.index(name);
    if (!index) return;
    if (Telling& telling = tellings_[*index]; telling.under_way) {
        if (!unresolved) telling.next = std::move(addresses);
        return;
    }
    auto news = std::make_shared<News>();
    news->first = !names_.known(*index);
    const policy::Names::Addresses before = names_.addresses(*index);
    if (unresolved) {
        names_.set_unresolved(*index);
    } else {
        names_.set(*index, addresses);
    }
    news->changed = news->first || names_.addresses(*index) != before;
    news->change =
        fmt::format("name {}: {} -> {}", name, to_string(before), to_string(names_.addresses(*index)));
    news->did = what_sessions_did(name);
    news->workers = workers_.size();
    for (const std::unique_ptr<Worker>& worker : workers_) {
        const auto tell = [index = *index, addresses, unresolved](SessionEngine& sessions) {
            return sessions.name_news(index, addresses, unresolved, base::MonotonicClock::now());
        };
        if (!started_) {
            news->left += tell(worker->sessions());
            continue;
        }
        tellings_[*index].under_way = true;
        worker->post([&io = io_, news, tell, door = door_, index = *index](SessionEngine& sessions) {
            news->left += tell(sessions);
            if (news->workers.fetch_sub(1) != 1) return;
            boost::asio::post(io, [news, door, index] {
                news->log();
                if (Server* server = door->inside()) server->told(index);
            });
        });
    }
    if (!started_) news->log();
}

/// All workers know: what was said of the name since goes on.
void Server::told(std::size_t name) {
    tellings_[name].under_way = false;
    if (auto next = std::exchange(tellings_[name].next, std::nullopt))
        name_news(names_.name(name), std::move(*next), false);
}

/// Whether a session of the rule could go anywhere.
bool Server::has_server(const conf::Rule& rule) const {
    return std::ranges::any_of(rule.plug_to, [this](const conf::Server& server) {
        return server.name.empty() || !names_.addresses(*names_.index(server.name)).empty();
    });
}

std::string Server::what_sessions_did(const std::string& name) const {
    std::set<std::string_view> did;
    for (const conf::Rule& rule : config_.session_acl)
        for (const conf::Server& server : rule.plug_to)
            if (server.name == name)
                did.insert(rule.on_name_change == conf::OnNameChange::move && !has_server(rule)
                               ? "kept, there is no other"
                               : to_string(rule.on_name_change));
    if (did.empty()) return {};
    return did.size() == 1 ? std::string(*did.begin()) : "as their rules say";
}

}  // namespace session
