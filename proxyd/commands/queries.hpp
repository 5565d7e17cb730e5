#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libudpserver/control/request.hpp"
#include "libudpserver/control/row.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "libudpserver/process/child_runtime.hpp"

namespace proxyd {

/// The commands of the control socket that a child answers (doc/design.md, Control). A child keeps no state
/// between two pieces of an answer.
class Queries {
public:
    using Reply = std::function<void(ipc::QueryResult)>;
    /// May throw control::Failure, and may call `reply` later, once.
    using Handler = std::function<void(const control::Request&, std::uint64_t cursor, Reply reply)>;

    /// Answers the queries of the parent from now on.
    explicit Queries(process::ChildRuntime& runtime);

    void add(const std::string& command, Handler handler) { handlers_[command] = std::move(handler); }
    using InfoReply = std::function<void(const std::vector<std::string>& lines)>;
    /// The command `info`, and SIGPWR, which logs the same lines (K-20) and calls `also`.
    void add_info(std::function<void(const InfoReply&)> info, std::function<void()> also = {});

private:
    void answer(const ipc::Query& query, const Reply& reply);

    process::ChildRuntime& runtime_;
    std::map<std::string, Handler> handlers_;
};

/// The lines of an answer that is generated again for each piece: skips those before the cursor, and leaves
/// those that do not fit to the next piece.
class Lines {
public:
    explicit Lines(std::uint64_t cursor) : cursor_(cursor) {}

    void add(const control::Row& row);
    [[nodiscard]] const ipc::QueryResult& result() const { return result_; }

private:
    std::uint64_t cursor_, count_ = 0;
    ipc::QueryResult result_;
};

}  // namespace proxyd
