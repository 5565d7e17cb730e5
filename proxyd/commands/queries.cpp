#include "proxyd/commands/queries.hpp"

#include "base/log.hpp"
#include "libudpserver/control/answer_line.hpp"

namespace proxyd {

using control::Code;
using control::Failure;

Queries::Queries(process::ChildRuntime& runtime) : runtime_(runtime) {
    runtime_.on(ipc::MessageType::query, [this](ipc::Message& message) {
        const auto query = ipc::read<ipc::Query>(message);
        if (!query) return runtime_.parent().refuse("malformed query");
        answer(*query, [this, id = message.id](const ipc::QueryResult& result) {
            runtime_.parent().send(result, id);
        });
    });
}

void Queries::answer(const ipc::Query& query, const Reply& reply) {
    try {
        const control::Request request = control::Request::parse(query.text);
        const auto found = handlers_.find(request.command());
        if (found == handlers_.end())
            throw Failure(Code::unknown,
                          "unknown command '" + request.command() + "' for " + runtime_.role());
        found->second(request, query.cursor, reply);
    } catch (const Failure& failure) {
        reply({0, control::error_line(failure)});
    }
}

void Queries::add_info(std::function<void(const InfoReply&)> info, std::function<void()> also) {
    runtime_.on_info([info, also = std::move(also)] {
        info([](const std::vector<std::string>& lines) {
            for (const std::string& line : lines)
                base::log::write(base::msg::info, "{}", line);
        });
        if (also) also();
    });
    add("info", [this, info](const control::Request&, std::uint64_t cursor, const Reply& reply) {
        info([this, cursor, reply](const std::vector<std::string>& lines) {
            Lines rows(cursor);
            for (const std::string& line : lines)
                rows.add(control::Row().add("role", runtime_.role()).add("line", line));
            reply(rows.result());
        });
    });
}

void Lines::add(const control::Row& row) {
    if (count_++ < cursor_ || result_.next != 0) return;
    const std::string line = row.text() + "\n";
    if (!result_.text.empty() && result_.text.size() + line.size() > ipc::max_query_text) {
        result_.next = count_ - 1;
    } else if (line.size() <= ipc::max_query_text) {
        result_.text += line;
    }
}

}  // namespace proxyd
