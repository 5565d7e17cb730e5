#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libudpserver/control/request.hpp"
#include "proxyctl/command.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/row.hpp"

/// Requests to an instance, and their answers.
namespace proxyctl {

using OnRow = std::function<void(const Row&)>;

/// A row, or nothing for the end line. Throws a Failure for an error line and for malformed lines.
std::optional<Row> read_answer_line(const std::string& line);

/// The proxy closed the connection before the end of an answer.
struct AnswerCut : Failure {
    AnswerCut();
};

/// Sends a request and passes on each row as it arrives. Throws a Failure for an error line, a timeout, an
/// answer that is cut off, and malformed lines.
void ask(Connection& connection, const Timeout& timeout, const control::Request& request,
         const OnRow& on_row);

/// The same on a new connection to the context's instance.
void ask(const Context& context, std::string_view command, const control::Args& args, const OnRow& on_row);
std::vector<Row> ask_all(const Context& context, std::string_view command, const control::Args& args = {});
/// The names of the configuration, with those of their addresses that REG cannot connect to.
std::vector<Row> ask_names(const Context& context);
/// The first `max` rows. The connection is unusable afterwards, because the rest of the answer follows.
std::vector<Row> ask_first(Connection& connection, const Timeout& timeout, const control::Request& request,
                           std::size_t max);
/// The first row; throws a Failure if there is none.
Row ask_one(const Context& context, std::string_view command, const control::Args& args = {});

/// The socket of the context's instance. Throws a Failure if it is disabled.
std::string socket_of(const Context& context);
Connection connect(const Context& context);
/// Whether the instance accepts connections. Throws a Failure if that is unknown, for example without
/// permission.
bool is_running(const Context& context);

/// A row as JSON if that is wanted, otherwise the text.
void show_line(Context& context, const Row& row, const std::string& text);
/// Rows as a table with these columns (empty: all of the first row), or as JSON. Returns exit_status::good,
/// as the following functions do.
int show_table(Context& context, const std::vector<Row>& rows, Columns columns = {});
/// A row as a list of fields, or as JSON.
int show_fields(Context& context, const Row& row);
/// Sends a request and shows the answer: one row as a list, several as a table.
int show_answer(Context& context, std::string_view command, const control::Args& args = {});

/// Calls `print` now and after every interval until Ctrl-C.
[[noreturn]] void poll_and_print(Context& context, base::Duration interval,
                                 const std::function<void()>& print);
/// show_answer() for one row, or with `--interval` again and again with the rates of its numbers.
int show_at_interval(Context& context, const Arguments& arguments, std::string_view command,
                     const control::Args& args = {});

/// The state of an instance, by its own report if it answers.
struct InstanceState {
    Row status;  ///< with at least `name` and `state`; as received if it answered
    std::string
        state;        ///< serving, degraded, starting, stopping; down, no-answer, no-right, no-socket, broken
    std::string why;  ///< if it is not serving
    bool answered = false;

    /// 0 serving, 1 impaired, 2 down or silent, 4 no permission.
    [[nodiscard]] int exit_code() const;
    [[nodiscard]] Tone tone() const;
};

InstanceState state_of(const Context& context, const Instance& instance);

}  // namespace proxyctl
