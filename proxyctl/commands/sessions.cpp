#include <utility>

#include "base/text.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/views/list_view.hpp"

/// Commands about sessions and their events.
namespace proxyctl {

namespace {

std::vector<Row> first_sessions(Context& context, const control::Args& args, std::size_t max) {
    Connection connection = connect(context);
    return ask_first(connection, context.timeout(), {"sessions", args}, max);
}

Columns columns_for(const Arguments& arguments, const std::vector<Row>& rows) {
    const auto chosen = arguments.text("columns");
    return chosen && !rows.empty() ? parse_columns(*chosen, rows.front()) : session_columns();
}

int run_sessions(Context& context, const Arguments& arguments) {
    const control::Args args = filter_args(arguments);
    const auto sort = arguments.text("sort");
    const auto top = arguments.number("top");
    if (context.out.json() && !sort && !top) {
        // Without an order no row needs to be kept.
        ask(context, "sessions", args, [&](const Row& row) { context.out.row_line(row); });
        return exit_status::good;
    }
    std::vector<Row> rows = top && !sort ? first_sessions(context, args, static_cast<std::size_t>(*top))
                                         : ask_all(context, "sessions", args);
    if (sort) sort_rows(rows, *sort);
    if (top && static_cast<std::size_t>(*top) < rows.size())
        rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(*top), rows.end());
    return show_table(context, rows, columns_for(arguments, rows));
}

int run_session(Context& context, const Arguments& arguments) {
    const std::string& id = arguments.operands().front();
    if (!is_session_id(id)) {
        fail(exit_status::misused, "session: '{}' is not a session id such as 17.3; `sessions` lists them",
             base::printable(id));
    }
    return show_at_interval(context, arguments, "session", {{"id", id}});
}

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

/// Asks for the events since the last answer.
class EventPoll {
public:
    EventPoll(Context& context, control::Args filters) : context_(context), args_(std::move(filters)) {}

    void print_new() {
        try {
            ask_and_print();
        } catch (const AnswerCut& failure) {
            // The process that knows the events is restarting. Twice in a row it is something else.
            if (std::exchange(was_cut_, true)) throw;
            report_gap(failure);
        } catch (const Failure& failure) {
            if (failure.status != exit_status::timed_out) throw;
            report_gap(failure);
        }
    }

private:
    void ask_and_print() {
        std::optional<std::int64_t> next;
        ask(context_, "events", args_, [&](const Row& row) {
            next = row.number("next_ms");
            if (!next) context_.out.json() ? context_.out.row_line(row) : context_.out.line(event_line(row));
        });
        context_.out.flush();
        if (!next) fail(exit_status::failed, "events: the answer does not give its end");
        args_["since_ms"] = *next;
        has_gap_ = was_cut_ = false;
    }

    void report_gap(const Failure& failure) {
        if (!std::exchange(has_gap_, true))
            print_error(std::string(failure.what()) + "; events may be missing");
    }

    Context& context_;
    control::Args args_;
    bool has_gap_ = false, was_cut_ = false;
};

int run_watch(Context& context, const Arguments& arguments) {
    constexpr base::Duration interval = std::chrono::milliseconds(250);
    EventPoll events(context, filter_args(arguments));
    poll_and_print(context, interval, [&] { events.print_new(); });
}

}  // namespace

std::span<const Command> session_commands() {
    using namespace row_words;
    static constexpr Option sessions_options[] = {
        {"sort", "KEY", ArgumentType::key, "numbers descending, texts ascending; -KEY reverses the order"},
        {"top", "N", ArgumentType::number, "only the first N, after sorting if --sort is given"},
        {"columns", "KEY,...", ArgumentType::key, "only these fields"},
    };
    // clang-format off
    static constexpr Command rows[] = {
        {"sessions", sessions, read, selected, {}, sessions_options, run_sessions,
         "List sessions.", with_filters},
        {"session", sessions, read, selected, {"SESSION", 1, 1, ArgumentType::session}, interval_option, run_session,
         "Show all details of a session."},
    };
    // clang-format on
    return rows;
}

std::span<const Command> watch_commands() {
    using namespace row_words;
    // Events have no type, state or age.
    static constexpr auto options = std::span(session_filters).first(5);
    // clang-format off
    static constexpr Command rows[] = {
        {"watch", sessions, read, selected, {}, options, run_watch,
         "Print session events as they happen."},
    };
    // clang-format on
    return rows;
}

}  // namespace proxyctl
