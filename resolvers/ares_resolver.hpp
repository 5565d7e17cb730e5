#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "resolvers/answer_cache.hpp"
#include "resolvers/ares_channel.hpp"
#include "resolvers/counters.hpp"
#include "resolvers/hosts_file.hpp"
#include "resolvers/lifetime.hpp"
#include "resolvers/resolver.hpp"
#include "resolvers/server_order.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

class AresLookup;

/// The resolver of ACR, of APR and of singleproc. Addresses are their own answer; then come the hosts file,
/// the cache, and the name servers. A name is looked up once for all who ask meanwhile (K-59); so many
/// look-ups run at a time, the others wait, and what is too much is `busy`. Each asker has its own time-out;
/// a look-up whose last asker has gone ends.
class AresResolver : public Resolver {
public:
    AresResolver(boost::asio::io_context& io, Settings settings);
    ~AresResolver() override;
    AresResolver(const AresResolver&) = delete;
    AresResolver& operator=(const AresResolver&) = delete;

    void ask(Question question, Callback callback) override;

    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] std::size_t running() const { return running_; }
    [[nodiscard]] std::size_t waiting() const { return pending_.size() - running_; }
    /// One line for INFO.
    [[nodiscard]] std::string info() const;

private:
    struct Asker {
        Callback callback;
        bool allow_private;
        boost::asio::steady_timer deadline;
        Lifetime lifetime{};
    };
    /// A look-up under way, or one that waits for its place.
    struct Pending {
        Question question;
        std::list<Asker> askers;
        std::unique_ptr<AresLookup> lookup;
    };
    using Pendings = std::map<std::string, Pending>;

    std::optional<Answer> own_answer(const Question& question, const std::string& key);
    std::optional<Answer> from_hosts(const Question& question);
    std::optional<Answer> from_cache(const Question& question, const std::string& key);
    [[nodiscard]] bool full(const std::string& key) const;
    void join(const std::string& key, Question question, Callback callback);
    void start_deadline(const std::string& key, std::list<Asker>::iterator asker, Duration limit);
    void give_up(const std::string& key, std::list<Asker>::iterator asker);
    void start_waiting();
    void start(Pendings::iterator pending);
    void on_answer(const std::string& key, const Answer& answer);
    void erase(Pendings::iterator pending);
    [[nodiscard]] Answer judged(const Answer& answer, bool allow_private) const;
    void post(Callback callback, Answer answer);

    boost::asio::io_context& io_;
    Settings settings_;
    Counters counters_;
    ServerOrder order_;
    HostsFile hosts_;
    AnswerCache cache_;
    AresChannels channels_;
    Pendings pending_;
    std::deque<std::string> queue_;  ///< keys of those in pending_ that wait
    std::size_t running_ = 0;
    std::size_t askers_ = 0;
};

}  // namespace resolvers
