#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libudpserver/control/control_server.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "libudpserver/ipc/requests.hpp"
#include "libudpserver/process/supervisor.hpp"

namespace proxyd {

/// Forwards requests of control clients to children. It fetches an answer piece by piece, the next piece when
/// the client has read the last; the child keeps no state in between, and the parent does not parse the rows.
/// While a child restarts the request waits; if a child is missing, silent or exits, the answer ends with an
/// error. Must outlive the server.
class ChildQueries {
public:
    static constexpr base::Duration default_timeout{2'000};

    ChildQueries(boost::asio::io_context& io, process::Supervisor& supervisor,
                 base::Duration timeout = default_timeout);
    ChildQueries(const ChildQueries&) = delete;
    ChildQueries& operator=(const ChildQueries&) = delete;

    /// A handler that asks this child.
    control::ControlServer::Handler to(ipc::Party party);

    /// Adds the child's rows to the answer, then calls `done`, or ends the answer if `done` is empty. An
    /// error of the child, or a timeout, ends the answer without `done`.
    void ask(ipc::Party party, const control::Request& request, control::Answer answer,
             std::function<void()> done = {});

private:
    struct Question;
    using QuestionPtr = std::shared_ptr<Question>;

    void next(const QuestionPtr& question);
    void next_later(const QuestionPtr& question, std::chrono::microseconds pause);
    void wait_for_answer(const QuestionPtr& question, std::uint32_t id);
    void on_answer(const QuestionPtr& question, ipc::Message* message);
    void on_piece(const QuestionPtr& question, const ipc::QueryResult& piece);
    ipc::Requests& requests(ipc::Party party) { return requests_[static_cast<std::size_t>(party)]; }

    boost::asio::io_context& io_;
    process::Supervisor& supervisor_;
    base::Duration timeout_;
    std::vector<ipc::Requests> requests_;  ///< by party
};

}  // namespace proxyd
