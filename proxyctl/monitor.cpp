#include "proxyctl/monitor.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstring>
#include <memory>

#include "proxyctl/answer.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/monitor_view.hpp"
#include "proxyctl/screen.hpp"
#include "proxyctl/session_filter.hpp"

namespace proxyctl {

const Option monitor_options[1] = {{"interval", "TIME", Kind::duration, "between two pictures (2s)"}};

namespace {

using base::Duration;
using base::Instant;

constexpr Duration shortest_interval = std::chrono::milliseconds(100);
/// A screen shows few; this many are looked through for the fastest.
constexpr std::size_t most_sessions = 10'000;

/// One picture is asked for after the other; keys, signals and a silent server are served meanwhile.
class Monitor {
public:
    Monitor(const Context& context, const Arguments& arguments)
        : context_(context), args_(filter_args(arguments)), interval_(interval_of(arguments)) {
        picture_.name = context.instance->name;
        begin(base::MonotonicClock::now());
    }

    /// The signal that ended it; 0 for the user's wish.
    int run() {
        const Screen screen(context_.settings.color);
        while (!done_) {
            draw(screen);
            wait(screen, base::MonotonicClock::now());
        }
        return ended_by_;
    }

private:
    static Duration interval_of(const Arguments& arguments) {
        const Duration interval = arguments.duration("interval").value_or(std::chrono::seconds(2));
        if (interval >= shortest_interval) return interval;
        fail(exit_status::misused, "monitor: --interval: at least 100ms");
    }

    /// Asks for the next picture; throws a Failure.
    void begin(Instant now) {
        coming_.clear();
        next_ = now + interval_;
        deadline_ = now + context_.settings.timeout;
        if (!connection_) connection_ = std::make_unique<Connection>(socket_of(context_), patience());
        connection_->send(control::Request("sessions", args_).line(), patience());
        asking_ = true;
    }

    /// The loop must not stand still for long.
    [[nodiscard]] Patience patience() const {
        return {std::min<Duration>(context_.settings.timeout, std::chrono::seconds(1)), nullptr};
    }

    void draw(const Screen& screen) {
        const Screen::Size size = Screen::size();
        picture_.age = base::MonotonicClock::now() - taken_at_;
        screen.draw(monitor_lines(picture_, order_, size.columns, size.rows));
    }

    void wait(const Screen& screen, Instant now) {
        const Duration left = (asking_ ? deadline_ : next_) - now;
        const int timeout = static_cast<int>(std::clamp<Duration::rep>(left.count(), 0, INT_MAX));
        std::array<pollfd, 3> waiting{{{STDIN_FILENO, POLLIN, 0},
                                       {signals_.descriptor(), POLLIN, 0},
                                       {asking_ ? connection_->descriptor() : -1, POLLIN, 0}}};
        ::poll(waiting.data(), waiting.size(), timeout);
        if (waiting[0].revents != 0) take_keys(screen);
        if (waiting[1].revents != 0) take_signals(screen);
        go_on(waiting[2].revents != 0, base::MonotonicClock::now());
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

    /// A server in trouble stays on the screen with its last picture, and is asked again.
    void go_on(bool readable, Instant now) {
        try {
            if (readable) take_answer(now);
            if (asking_ && now >= deadline_) fail(exit_status::timed_out, "no answer");
            if (!asking_ && now >= next_) begin(now);
        } catch (const Failure& failure) {
            picture_.trouble = without_path(failure.what());
            connection_.reset();
            asking_ = false;
            next_ = now + interval_;
        }
    }

    /// The first line of the window has room for the reason alone.
    [[nodiscard]] std::string without_path(const std::string& text) const {
        const std::string path = context_.instance->socket + ": ";
        return text.starts_with(path) ? text.substr(path.size()) : text;
    }

    void take_answer(Instant now) {
        const bool open = connection_->receive();
        while (asking_) {
            const auto line = connection_->take_line();
            if (!line) break;
            deadline_ = now + context_.settings.timeout;
            if (auto row = read_answer_line(*line)) {
                coming_.push_back(std::move(*row));
                if (coming_.size() < most_sessions) continue;
                show(now);
                connection_.reset();  // nobody reads the rest of the answer
                return;
            }
            show(now);
        }
        if (asking_ && !open) throw AnswerBroken();
    }

    void show(Instant now) {
        asking_ = false;
        speeds_.add_to(coming_, now);
        picture_.cut_off = coming_.size() >= most_sessions;
        picture_.rows = std::move(coming_);
        coming_.clear();
        picture_.up = speeds_.up();
        picture_.down = speeds_.down();
        picture_.trouble.clear();
        taken_at_ = now;
    }

    const Context& context_;
    control::Args args_;
    Duration interval_;
    Signals signals_{{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}};
    std::unique_ptr<Connection> connection_;
    SessionSpeeds speeds_;
    MonitorOrder order_;
    MonitorPicture picture_;
    std::vector<Row> coming_;  ///< of the answer that is not yet whole
    bool asking_ = false;
    Instant next_{}, deadline_{}, taken_at_ = base::MonotonicClock::now();
    bool done_ = false;
    int ended_by_ = 0;
};

}  // namespace

int run_monitor(Context& context, const Arguments& arguments) {
    if (context.out.json() || !can_draw()) {
        fail(exit_status::misused, "monitor needs a terminal; use `sessions` or `watch` in scripts");
    }
    const int ended_by = Monitor(context, arguments).run();
    // The terminal is as before, and the signal acts as before: whoever sent it sees its effect.
    if (ended_by != 0 && ended_by != SIGINT) ::raise(ended_by);
    return exit_status::good;
}

}  // namespace proxyctl
