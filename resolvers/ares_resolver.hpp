#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "resolvers/alive_guard.hpp"
#include "resolvers/answer_cache.hpp"
#include "resolvers/hosts_file.hpp"
#include "resolvers/name_servers.hpp"
#include "resolvers/resolver.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

class AresLookup;

/// The resolver of ACR, of APR and of singleproc. Addresses are their own answer; then come the hosts file,
/// the cache, and the name servers. Questions for the same name share one look-up (K-59), and each has its
/// own time-out; a look-up without a waiting question is cancelled. The number of look-ups is limited:
/// further ones wait, and beyond that they are `busy`.
class AresResolver : public Resolver {
public:
    AresResolver(boost::asio::io_context& io, conf::Resolver settings, const ResolverOptions& options = {});
    ~AresResolver() override;
    AresResolver(const AresResolver&) = delete;
    AresResolver& operator=(const AresResolver&) = delete;

    void ask(Question question, Callback callback) override;

    [[nodiscard]] const Counters& counters() const { return servers_.counters(); }
    [[nodiscard]] std::size_t running() const { return running_; }
    [[nodiscard]] std::size_t waiting() const { return pending_.size() - running_; }
    /// One line for INFO.
    [[nodiscard]] std::string info() const;

private:
    struct Asker {
        Callback callback;
        bool allow_private;
        boost::asio::steady_timer deadline;
        AliveGuard alive{};
    };
    /// A look-up that runs, or waits for another one to end.
    struct Pending {
        Question question;
        std::list<Asker> askers;
        std::unique_ptr<AresLookup> lookup;
    };
    using Pendings = std::map<std::string, Pending>;

    std::optional<Answer> own_answer(const Question& question, const std::string& key);
    std::optional<Answer> from_hosts(const Question& question);
    std::optional<Answer> from_cache(const Question& question, const std::string& key);
    [[nodiscard]] bool is_full(const std::string& key) const;
    void join(const std::string& key, Question question, Callback callback);
    void start_deadline(const std::string& key, std::list<Asker>::iterator asker, base::Duration timeout);
    void time_out(const std::string& key, std::list<Asker>::iterator asker);
    void start_waiting();
    void start(Pendings::iterator pending);
    void on_answer(const std::string& key, const Answer& answer);
    void erase(Pendings::iterator pending);
    [[nodiscard]] Answer without_private(const Answer& answer, bool allow_private) const;
    void post(Callback callback, Answer answer);

    boost::asio::io_context& io_;
    const conf::Resolver settings_;
    const ResolverOptions options_;
    NameServers servers_;
    HostsFile hosts_;
    AnswerCache cache_;
    Pendings pending_;
    std::deque<std::string> queue_;  ///< keys of those in pending_ that wait
    std::size_t running_ = 0;
    std::size_t askers_ = 0;
};

}  // namespace resolvers
