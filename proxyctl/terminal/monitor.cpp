#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <memory>

#include "proxyctl/answer.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/terminal/screen.hpp"
#include "proxyctl/views/monitor_view.hpp"

namespace proxyctl {

namespace {

using base::Duration;
using base::Instant;

/// How many sessions are searched for the fastest; the screen shows only a few.
constexpr std::size_t max_sessions = 10'000;

/// A live table of the sessions. Keys, signals and a slow answer are waited for together.
class Monitor {
public:
    Monitor(const Context& context, const Arguments& arguments)
        : context_(context),
          args_(filter_args(arguments)),
          interval_(arguments.interval().value_or(std::chrono::seconds(2))) {
        frame_.name = context.instance->name;
        send_request(base::MonotonicClock::now());
    }

    /// Returns the signal that ended it, 0 for the key.
    int run() {
        const Screen screen(context_.settings.color);
        while (!done_) {
            draw(screen);
            wait(screen, base::MonotonicClock::now());
        }
        return ended_by_;
    }

private:
    void send_request(Instant now) {
        rows_.clear();
        next_ = now + interval_;
        deadline_ = now + context_.settings.timeout;
        // A second, so that keys are not ignored for long.
        const Timeout timeout{std::min<Duration>(context_.settings.timeout, std::chrono::seconds(1)),
                              nullptr};
        // A new one each time: proxyd closes connections that are silent for long.
        connection_ = std::make_unique<Connection>(socket_of(context_), timeout);
        connection_->send(control::Request("sessions", args_).line(), timeout);
        waiting_ = true;
    }

    void draw(const Screen& screen) {
        const Screen::Size size = Screen::size();
        frame_.age = base::MonotonicClock::now() - frame_time_;
        screen.draw(monitor_lines(frame_, order_, size.columns, size.rows));
    }

    void wait(const Screen& screen, Instant now) {
        const Duration left = (waiting_ ? deadline_ : next_) - now;
        const int timeout = static_cast<int>(std::clamp<Duration::rep>(left.count(), 0, INT_MAX));
        std::array<pollfd, 3> waiting{{{STDIN_FILENO, POLLIN, 0},
                                       {signals_.descriptor(), POLLIN, 0},
                                       {waiting_ ? connection_->descriptor() : -1, POLLIN, 0}}};
        ::poll(waiting.data(), waiting.size(), timeout);
        if (waiting[0].revents != 0) take_keys(screen);
        if (waiting[1].revents != 0) take_signals(screen);
        update(waiting[2].revents != 0, base::MonotonicClock::now());
    }

    void take_keys(const Screen& screen) {
        for (const char key : screen.keys(done_)) {
            if (key == 'q' || key == 'Q') done_ = true;
            order_.press(key);
        }
    }

    void take_signals(const Screen& screen) {
        for (const int number : signals_.take()) {
            if (number == SIGTSTP) {
                screen.leave();
                ::raise(SIGSTOP);
                screen.enter();
            } else if (number != SIGWINCH) {
                done_ = true;
                ended_by_ = number;
            }
        }
    }

    /// After a failure the last frame stays on the screen, and the next request follows at its time.
    void update(bool readable, Instant now) {
        try {
            if (readable) take_answer(now);
            if (waiting_ && now >= deadline_) fail(exit_status::timed_out, "no answer");
            if (!waiting_ && now >= next_) send_request(now);
        } catch (const Failure& failure) {
            frame_.error = without_path(failure.what());
            connection_.reset();
            waiting_ = false;
            next_ = now + interval_;
        }
    }

    /// The first line has no room for the path.
    [[nodiscard]] std::string without_path(const std::string& text) const {
        const std::string path = context_.instance->socket + ": ";
        return text.starts_with(path) ? text.substr(path.size()) : text;
    }

    void take_answer(Instant now) {
        const bool open = connection_->receive();
        while (waiting_) {
            const auto line = connection_->take_line();
            if (!line) break;
            deadline_ = now + context_.settings.timeout;
            auto row = read_answer_line(*line);
            if (!row) return update_frame(now);
            rows_.push_back(std::move(*row));
            if (rows_.size() < max_sessions) continue;
            update_frame(now);
            connection_.reset();  // the rest of the answer is not read
        }
        if (waiting_ && !open) throw AnswerCut();
    }

    void update_frame(Instant now) {
        waiting_ = false;
        rates_.add_to(rows_, now);
        frame_.is_cut = rows_.size() >= max_sessions;
        frame_.rows = std::move(rows_);
        rows_.clear();
        frame_.up = rates_.up();
        frame_.down = rates_.down();
        frame_.error.clear();
        frame_time_ = now;
    }

    const Context& context_;
    control::Args args_;
    Duration interval_;
    Signals signals_{{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}};
    std::unique_ptr<Connection> connection_;
    SessionRates rates_;
    MonitorOrder order_;
    MonitorFrame frame_;
    std::vector<Row> rows_;  ///< of the answer that is being received
    bool waiting_ = false;   ///< for the answer
    Instant next_{}, deadline_{}, frame_time_ = base::MonotonicClock::now();
    bool done_ = false;
    int ended_by_ = 0;
};

int run_monitor(Context& context, const Arguments& arguments) {
    if (context.out.json() || !can_draw())
        fail(exit_status::misused, "monitor requires a terminal; in scripts use `sessions` or `watch`");
    const int ended_by = Monitor(context, arguments).run();
    // The terminal and the signal's action are restored, so that the sender sees the usual effect.
    if (ended_by != 0 && ended_by != SIGINT) ::raise(ended_by);
    return exit_status::good;
}

}  // namespace

std::span<const Command> monitor_commands() {
    using namespace row_words;
    static constexpr Option options[] = {
        {"interval", "TIME", ArgumentType::duration, "time between updates (2s)"}};
    // clang-format off
    static constexpr Command rows[] = {
        {"monitor", sessions, read, selected, {}, options, run_monitor,
         "Show live sessions and traffic rates.", with_filters},
        {"top", sessions, read, selected, {}, options, run_monitor,
         "The same as monitor.", with_filters},
    };
    // clang-format on
    return rows;
}

}  // namespace proxyctl
