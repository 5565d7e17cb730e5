#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libudpserver/control/request.hpp"
#include "proxyctl/command.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/row.hpp"

namespace proxyctl {

using OnRow = std::function<void(const Row&)>;

/// What a line of an answer is: a row, or nothing at the end of the answer. Throws a Failure for an error
/// line and for what is no JSON.
std::optional<Row> read_answer_line(const std::string& line);

/// The proxy closed the connection in the middle of an answer.
struct AnswerBroken : Failure {
    AnswerBroken();
};

/// Asks on a connection and hands over every row as it comes. Throws a Failure for an error line, silence, an
/// answer that breaks off, and garbage.
void ask(Connection& connection, const Patience& patience, const control::Request& request,
         const OnRow& on_row);

/// The same on a new connection to the context's instance.
void ask(const Context& context, std::string_view command, const control::Args& args, const OnRow& on_row);
std::vector<Row> ask_all(const Context& context, std::string_view command, const control::Args& args = {});
/// The first rows, at most so many. The rest of the answer is still to come then: the connection is of no
/// further use.
std::vector<Row> ask_first(Connection& connection, const Patience& patience, const control::Request& request,
                           std::size_t most);
/// The first row; throws a Failure when there is none.
Row ask_one(const Context& context, std::string_view command, const control::Args& args = {});

/// The socket of the context's instance. Throws a Failure when it has none.
std::string socket_of(const Context& context);
Connection connect(const Context& context);

/// Shows an answer: as a table with these columns (empty: those of the first row), or line by line as JSON.
void show_table(Context& context, const std::vector<Row>& rows, Columns columns = {});
/// Each row as a list of fields, with an empty line between two.
void show_fields(Context& context, const std::vector<Row>& rows);
/// Asks, and shows what comes plainly: one row as a list, several as a table.
int show_answer(Context& context, std::string_view command, const control::Args& args = {});

}  // namespace proxyctl
