#include "proxyctl/answer.hpp"

#include "base/text.hpp"
#include "libudpserver/control/answer_line.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/views/list_view.hpp"

namespace proxyctl {

namespace {

/// Bounds the memory of tables and sorting; JSON is streamed.
constexpr std::size_t max_rows = 1'000'000;

int status_of(control::Code code) {
    switch (code) {
        case control::Code::usage:
            return exit_status::misused;
        case control::Code::refused:
            return exit_status::no_right;
        case control::Code::busy:
        case control::Code::gone:
            return exit_status::timed_out;
        default:
            return exit_status::failed;
    }
}

/// The server then lists its own commands, which are not those of proxyctl.
std::string for_user(const std::string& text) {
    constexpr std::string_view begin = "unknown command '";
    if (!text.starts_with(begin)) return text;
    const std::string name = text.substr(begin.size(), text.find('\'', begin.size()) - begin.size());
    return "this proxyd does not support '" + name + "'; `version` shows its version";
}

/// Nothing at the end of the answer.
std::optional<Row> next_row(Connection& connection, const Timeout& timeout) {
    const std::optional<std::string> line = connection.read_line(timeout);
    if (!line) throw AnswerCut();
    return read_answer_line(*line);
}

std::string state_for(int failure) {
    return failure == exit_status::not_running ? "down"
           : failure == exit_status::no_right  ? "no-right"
           : failure == exit_status::timed_out ? "no-answer"
                                               : "broken";
}

}  // namespace

std::optional<Row> read_answer_line(const std::string& line) {
    const control::AnswerLine answer = control::parse_answer(line);
    switch (answer.kind) {
        case control::AnswerLine::Kind::row:
            return Row(answer, line);
        case control::AnswerLine::Kind::end:
            return std::nullopt;
        case control::AnswerLine::Kind::error:
            throw Failure(status_of(answer.code), for_user(answer.text));
        case control::AnswerLine::Kind::senseless:
            break;
    }
    fail(exit_status::failed, "malformed answer ({}): {}; is this a proxyd socket?", answer.text,
         base::printable(line, 60));
}

AnswerCut::AnswerCut()
    : Failure(exit_status::failed, "the proxy closed the connection before the end of its answer") {}

void ask(Connection& connection, const Timeout& timeout, const control::Request& request,
         const OnRow& on_row) {
    connection.send(request.line(), timeout);
    while (const std::optional<Row> row = next_row(connection, timeout))
        on_row(*row);
}

void ask(const Context& context, std::string_view command, const control::Args& args, const OnRow& on_row) {
    Connection connection = connect(context);
    ask(connection, context.timeout(), {std::string(command), args}, on_row);
}

std::vector<Row> ask_all(const Context& context, std::string_view command, const control::Args& args) {
    std::vector<Row> rows;
    ask(context, command, args, [&](const Row& row) {
        if (rows.size() == max_rows)
            fail(exit_status::failed, "more than {} rows; add filters, or use --json", max_rows);
        rows.push_back(row);
    });
    return rows;
}

std::vector<Row> ask_names(const Context& context) {
    std::vector<Row> unreachable;
    try {
        unreachable = ask_all(context, "unreachable");
    } catch (const Failure&) {
        // REG is restarting, or older: the names are still worth showing.
    }
    return with_unreachable(ask_all(context, "names"), unreachable);
}

std::vector<Row> ask_first(Connection& connection, const Timeout& timeout, const control::Request& request,
                           std::size_t max) {
    std::vector<Row> rows;
    connection.send(request.line(), timeout);
    while (rows.size() < max) {
        std::optional<Row> row = next_row(connection, timeout);
        if (!row) break;
        rows.push_back(std::move(*row));
    }
    return rows;
}

Row ask_one(const Context& context, std::string_view command, const control::Args& args) {
    std::vector<Row> rows = ask_all(context, command, args);
    if (rows.empty()) fail(exit_status::failed, "{}: the answer is empty", command);
    return std::move(rows.front());
}

std::string socket_of(const Context& context) {
    if (context.instance->socket.empty()) {
        fail(exit_status::not_running, "{} disables the control socket, so proxyctl cannot reach the proxy",
             context.instance->config.file);
    }
    return context.instance->socket;
}

Connection connect(const Context& context) {
    return {socket_of(context), context.timeout()};
}

bool is_running(const Context& context) {
    if (context.instance->socket.empty()) return false;
    try {
        connect(context);
        return true;
    } catch (const Failure& failure) {
        if (failure.status == exit_status::not_running) return false;
        throw;
    }
}

void show_line(Context& context, const Row& row, const std::string& text) {
    context.out.json() ? context.out.row_line(row) : context.out.line(visible(text));
}

int show_table(Context& context, const std::vector<Row>& rows, Columns columns) {
    if (context.out.json()) {
        for (const Row& row : rows)
            context.out.row_line(row);
        return exit_status::good;
    }
    if (rows.empty()) {
        context.out.line("none");
        return exit_status::good;
    }
    Table table(columns.empty() ? columns_of(rows.front()) : std::move(columns));
    for (const Row& row : rows)
        table.add(row);
    context.out.table(table);
    return exit_status::good;
}

int show_fields(Context& context, const Row& row) {
    context.out.json() ? context.out.row_line(row) : context.out.fields(row);
    return exit_status::good;
}

int show_answer(Context& context, std::string_view command, const control::Args& args) {
    const std::vector<Row> rows = ask_all(context, command, args);
    if (rows.size() == 1) return show_fields(context, rows.front());
    if (!rows.empty()) return show_table(context, rows);
    if (!context.out.json()) context.out.line("done");
    return exit_status::good;
}

void poll_and_print(Context& context, base::Duration interval, const std::function<void()>& print) {
    for (;;) {
        print();
        context.out.flush();
        wait_for(-1, 0, {interval, context.interrupt});
    }
}

int show_at_interval(Context& context, const Arguments& arguments, std::string_view command,
                     const control::Args& args) {
    const auto interval = arguments.interval();
    if (!interval) return show_answer(context, command, args);
    std::optional<Row> before;
    base::Instant asked_before;
    poll_and_print(context, *interval, [&] {
        const base::Instant asked = base::MonotonicClock::now();
        Row row = ask_one(context, command, args);
        if (!before || context.out.json()) {
            show_fields(context, row);
        } else {
            context.out.line(clock_text());
            context.out.table(rates_table(*before, row, asked - asked_before));
            context.out.line("");
        }
        before = std::move(row);
        asked_before = asked;
    });
}

int InstanceState::exit_code() const {
    if (state == "serving") return 0;
    if (state == "no-right") return exit_status::no_right;
    return state == "down" || state == "no-answer" || state == "no-socket" || state == "broken" ? 2 : 1;
}

Tone InstanceState::tone() const {
    const int code = exit_code();
    return code == 0 ? Tone::good : code == 1 ? Tone::warning : Tone::bad;
}

InstanceState state_of(const Context& context, const Instance& instance) {
    Context own = context;
    own.instance = &instance;
    try {
        Row row = ask_one(own, "status");
        const std::string state = row.text("state");
        const std::string why = row.text("why");
        return {std::move(row), state, why, true};
    } catch (const Failure& failure) {
        // Whether it runs is unknown.
        const std::string state = instance.socket.empty() ? "no-socket" : state_for(failure.status),
                          why = failure.what();
        return {Row({{"name", instance.name}, {"state", state}, {"why", why}}), state, why, false};
    }
}

}  // namespace proxyctl
