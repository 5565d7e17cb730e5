#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log_channels.hpp"
#include "base/unique_fd.hpp"
#include "libudpserver/process/exit_status.hpp"
#include "libudpserver/process/log_health.hpp"
#include "libudpserver/process/log_main.hpp"
#include "libudpserver/process/restart_policy.hpp"

namespace process {

class LogInstance;

/// The parent's side of LOG: starts it, restarts it, and replaces it by a new one when the log is to be
/// reopened. A LOG that hangs delays nothing: it is killed and given up, also while it cannot be killed.
class LogProcess {
public:
    /// The longest that a stop or an upgrade waits for the disk of the log.
    static constexpr base::Duration finish_limit{2'000};
    /// An empty text, or why it failed.
    using Done = std::function<void(const std::string& failure)>;
    struct Status {
        pid_t pid = -1;
        unsigned restarts = 0, forbidden_calls = 0;
        std::optional<base::Instant> started, ended;
        std::optional<ExitStatus> last_exit;
        std::uint64_t lines_lost = 0;
        std::optional<base::Instant> lines_lost_at;
        std::string fault;  ///< why lines are not written now; empty if they are
    };

    /// Makes the channels of these roles. Throws std::system_error.
    LogProcess(LogSetup setup, const std::vector<std::string>& roles);
    ~LogProcess();
    LogProcess(const LogProcess&) = delete;
    LogProcess& operator=(const LogProcess&) = delete;

    [[nodiscard]] base::log::Channels& channels() { return channels_; }
    /// The socket to the second thread of LOG.
    [[nodiscard]] int other_sender() const { return other_sender_.get(); }

    /// Starts LOG and waits until it has opened the log. Throws base::Fatal with the reason if it cannot,
    /// or not within `limit`.
    void start(base::Duration limit);
    /// The same, but LOG exits then: for a program that is tried out.
    void try_out(base::Duration limit);
    /// Starts it without waiting; a failure is logged as soon as a LOG can open the log.
    void start_later();

    /// For the next LOG.
    void set_work(std::function<void(int)> other_work, std::function<void()> confine) {
        setup_.other_work = std::move(other_work);
        setup_.confine = std::move(confine);
    }

    /// From now on restarts it. `end_proxy`: the log is lost, and the configuration wants the proxy to stop.
    void watch(boost::asio::io_context& io, std::function<void()> end_proxy);
    /// Reverts watch(), before the loop is destroyed.
    void unwatch();

    /// True if the log is a file, so that reopen() makes sense.
    [[nodiscard]] bool has_file() const;
    /// Starts a LOG that opens the log anew; when it has, the old one exits. If it has not, the old one
    /// stays.
    void reopen(Done done);

    /// The proxy stops: what is lost from now on counts for finish().
    void stopping() { lost_before_stop_ = channels_.lost(); }
    /// Waits until all lines are written and LOG has exited; gives it up after `limit`. It is not restarted.
    /// Returns why lines since stopping() are not in the log; an empty text if all are.
    std::string finish(base::Duration limit);

    [[nodiscard]] Status status() const;

private:
    using InstancePtr = std::shared_ptr<LogInstance>;

    InstancePtr launch();
    void open_within(base::Duration limit);
    void watch(const InstancePtr& instance);
    void on_word(const InstancePtr& instance, const std::string& word);
    void on_exit(const InstancePtr& instance);
    void report_forbidden_call(const ExitStatus& status, pid_t pid);
    void promote();
    void give_up_old();
    [[nodiscard]] bool awaits_exit() const;
    void go();
    void fail_opening(const std::string& reason);
    void retire(InstancePtr instance);
    void forget_exited();
    void start_after(base::Duration delay);
    void report(const std::string& failure);
    void look_regularly();
    [[nodiscard]] std::string fault(base::Instant now) const;
    [[nodiscard]] std::string end(const InstancePtr& instance, std::string_view word, base::Duration limit);
    [[nodiscard]] std::string lost_since_stop();
    [[nodiscard]] bool may_lose_lines() const;

    LogSetup setup_;
    base::log::Channels channels_;
    base::UniqueFd other_sender_, other_receiver_;
    InstancePtr current_;               ///< writes lines
    InstancePtr next_;                  ///< opens the log
    std::vector<InstancePtr> leaving_;  ///< told to exit, or killed
    RestartPolicy policy_;
    Status status_;
    Done reopened_;
    std::string failure_;  ///< of the last start, which is not in the log yet
    boost::asio::io_context* io_ = nullptr;
    std::function<void()> end_proxy_;
    std::unique_ptr<boost::asio::steady_timer> start_timer_, open_timer_, leave_timer_, look_timer_;
    LogHealth health_;
    std::optional<std::uint64_t> lost_before_stop_;
};

}  // namespace process
