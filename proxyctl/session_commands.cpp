#include "proxyctl/session_commands.hpp"

#include "base/text.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/health_commands.hpp"
#include "proxyctl/process_commands.hpp"
#include "proxyctl/session_filter.hpp"
#include "proxyctl/sessions_view.hpp"

namespace proxyctl {

const Option sessions_options[3] = {
    {"sort", "KEY", Kind::key, "numbers from the largest, texts from the smallest; -KEY the other way round"},
    {"top", "N", Kind::number, "only the first so many, after sorting if --sort is given"},
    {"columns", "KEY,...", Kind::key, "these fields only"},
};

const Option session_options[1] = {
    {"interval", "TIME", Kind::duration, "again and again, with what changed each second; Ctrl-C ends it"}};

namespace {

/// Without an order nothing needs to be kept.
int stream_json(Context& context, const control::Args& args) {
    ask(context, "sessions", args, [&](const Row& row) { context.out.row_line(row); });
    return exit_status::good;
}

std::vector<Row> first_sessions(Context& context, const control::Args& args, std::size_t most) {
    Connection connection = connect(context);
    return ask_first(connection, context.patience(), {"sessions", args}, most);
}

Columns columns_for(const Arguments& arguments, const std::vector<Row>& rows) {
    const auto chosen = arguments.text("columns");
    return chosen && !rows.empty() ? parse_columns(*chosen, rows.front()) : usual_session_columns();
}

}  // namespace

int run_sessions(Context& context, const Arguments& arguments) {
    const control::Args args = filter_args(arguments);
    const auto sort = arguments.text("sort");
    const auto top = arguments.number("top");
    if (context.out.json() && !sort && !top) return stream_json(context, args);
    std::vector<Row> rows = top && !sort ? first_sessions(context, args, static_cast<std::size_t>(*top))
                                         : ask_all(context, "sessions", args);
    if (sort) sort_rows(rows, *sort);
    if (top && static_cast<std::size_t>(*top) < rows.size()) {
        rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(*top), rows.end());
    }
    show_table(context, rows, columns_for(arguments, rows));
    return exit_status::good;
}

int run_session(Context& context, const Arguments& arguments) {
    const std::string& id = arguments.operands().front();
    if (!is_session_id(id)) {
        fail(exit_status::misused, "session: '{}' is no id; `sessions` shows them, as 17.3",
             base::printable(id));
    }
    const auto interval = arguments.duration("interval");
    return interval ? show_again_and_again(context, "session", {{"id", id}}, *interval)
                    : show_answer(context, "session", {{"id", id}});
}

}  // namespace proxyctl
