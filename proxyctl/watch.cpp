#include "proxyctl/watch.hpp"

#include <optional>
#include <utility>

#include "proxyctl/answer.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/session_filter.hpp"

namespace proxyctl {

const Option watch_options[5] = {
    {"from", "ADDRESS", Kind::text, "of clients in this address, network or port"},
    {"to", "ADDRESS", Kind::text, "to this local address or port"},
    {"server", "ADDRESS", Kind::text, "with this server; refusals have none"},
    {"rule", "NAME", Kind::rule, "decided by this rule"},
    {"listener", "ADDRESS", Kind::text, "of this listener"},
};

namespace {

constexpr base::Duration pause = std::chrono::milliseconds(250);

std::string event_line(const Row& row) {
    std::string text = clock_text();
    for (const Field& field : row.fields()) {
        if (field.name == "ago_ms") continue;
        text += ' ';
        if (field.name != "event") text += visible(field.name) + '=';
        text += cell_text(field.name, field.value);
    }
    return text;
}

/// Asks for what has happened since it asked last.
class Events {
public:
    Events(Context& context, control::Args filters) : context_(context), args_(std::move(filters)) {}

    void poll() {
        std::optional<std::int64_t> next;
        ask(context_, "events", args_, [&](const Row& row) {
            next = row.number("next_ms");
            if (!next) show(row);
        });
        context_.out.flush();
        if (!next) fail(exit_status::failed, "events: the answer does not say where it ends");
        args_["since_ms"] = *next;
        silent_ = broken_ = false;
    }

    /// Who knows the events is being replaced, or the whole proxy by an upgrade: the successor is asked. What
    /// happened meanwhile is not known. An answer that breaks off twice in a row is another matter.
    void wait_out(const Failure& failure, bool broken) {
        if (broken ? std::exchange(broken_, true) : failure.status != exit_status::timed_out) throw failure;
        if (!std::exchange(silent_, true))
            remark(std::string(failure.what()) + "; what happens meanwhile is missing");
    }

private:
    void show(const Row& row) {
        context_.out.json() ? context_.out.row_line(row) : context_.out.line(event_line(row));
    }

    Context& context_;
    control::Args args_;
    bool silent_ = false, broken_ = false;
};

}  // namespace

int run_watch(Context& context, const Arguments& arguments) {
    Events events(context, filter_args(arguments));
    for (;;) {
        try {
            events.poll();
        } catch (const AnswerBroken& failure) {
            events.wait_out(failure, true);
        } catch (const Failure& failure) {
            events.wait_out(failure, false);
        }
        wait_for(-1, 0, {pause, context.interrupt});
    }
}

}  // namespace proxyctl
