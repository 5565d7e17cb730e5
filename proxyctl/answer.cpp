#include "proxyctl/answer.hpp"

#include "base/text.hpp"
#include "libudpserver/control/answer_line.hpp"
#include "proxyctl/failure.hpp"

namespace proxyctl {

namespace {

/// More than a table can be of use for; JSON has no such bound.
constexpr std::size_t most_rows = 1'000'000;

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

/// The commands that the server lists are not those that a user gives.
std::string for_user(const std::string& text) {
    constexpr std::string_view begin = "unknown command '";
    if (!text.starts_with(begin)) return text;
    const std::string name = text.substr(begin.size(), text.find('\'', begin.size()) - begin.size());
    return "this proxyd cannot do '" + name + "': it has no such command; `version` shows its version";
}

}  // namespace

std::optional<Row> read_answer_line(const std::string& line) {
    const control::AnswerLine answer = control::parse_answer(line);
    switch (answer.kind) {
        case control::AnswerLine::Kind::row:
            return Row(answer.members, line);
        case control::AnswerLine::Kind::end:
            return std::nullopt;
        case control::AnswerLine::Kind::error:
            throw Failure(status_of(answer.code), for_user(answer.text));
        case control::AnswerLine::Kind::senseless:
            break;
    }
    fail(exit_status::failed, "the answer makes no sense ({}): {}; is this the socket of a proxyd?",
         answer.text, base::printable(line, 60));
}

AnswerBroken::AnswerBroken()
    : Failure(exit_status::failed, "the answer broke off: the proxy closed the connection") {}

void ask(Connection& connection, const Patience& patience, const control::Request& request,
         const OnRow& on_row) {
    connection.send(request.line(), patience);
    while (const std::optional<std::string> line = connection.read_line(patience)) {
        const std::optional<Row> row = read_answer_line(*line);
        if (!row) return;
        on_row(*row);
    }
    throw AnswerBroken();
}

void ask(const Context& context, std::string_view command, const control::Args& args, const OnRow& on_row) {
    Connection connection = connect(context);
    ask(connection, context.patience(), {std::string(command), args}, on_row);
}

std::vector<Row> ask_all(const Context& context, std::string_view command, const control::Args& args) {
    std::vector<Row> rows;
    ask(context, command, args, [&](const Row& row) {
        if (rows.size() == most_rows) {
            fail(exit_status::failed, "more than {} rows; choose fewer with filters, or use --json",
                 most_rows);
        }
        rows.push_back(row);
    });
    return rows;
}

std::vector<Row> ask_first(Connection& connection, const Patience& patience, const control::Request& request,
                           std::size_t most) {
    std::vector<Row> rows;
    connection.send(request.line(), patience);
    while (rows.size() < most) {
        const std::optional<std::string> line = connection.read_line(patience);
        if (!line) throw AnswerBroken();
        std::optional<Row> row = read_answer_line(*line);
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
        fail(exit_status::not_running, "{}: its configuration switches the control socket off",
             context.instance->name);
    }
    return context.instance->socket;
}

Connection connect(const Context& context) {
    return {socket_of(context), context.patience()};
}

void show_table(Context& context, const std::vector<Row>& rows, Columns columns) {
    if (context.out.json()) {
        for (const Row& row : rows)
            context.out.row_line(row);
        return;
    }
    if (rows.empty()) return context.out.line("none");
    Table table(columns.empty() ? columns_of(rows.front()) : std::move(columns));
    for (const Row& row : rows)
        table.add(row);
    context.out.table(table);
}

void show_fields(Context& context, const std::vector<Row>& rows) {
    bool first = true;
    for (const Row& row : rows) {
        if (context.out.json()) {
            context.out.row_line(row);
            continue;
        }
        if (!first) context.out.line("");
        context.out.fields(row);
        first = false;
    }
}

int show_answer(Context& context, std::string_view command, const control::Args& args) {
    const std::vector<Row> rows = ask_all(context, command, args);
    if (rows.size() == 1) {
        show_fields(context, rows);
    } else if (rows.empty()) {
        if (!context.out.json()) context.out.line("done");
    } else {
        show_table(context, rows);
    }
    return exit_status::good;
}

}  // namespace proxyctl
