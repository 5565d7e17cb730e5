#pragma once

#include <array>
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

/// Has requests answered by the children. An answer is fetched piece by piece, the next one when the client
/// has taken the last; the child keeps nothing meanwhile, and the parent reads nothing of it. One that is
/// just being replaced is waited for. A child that is not there, does not answer or dies makes an end line
/// that says so. Must live longer than the server.
class ControlForward {
public:
    static constexpr base::Duration default_patience{2'000};

    ControlForward(boost::asio::io_context& io, process::Supervisor& supervisor,
                   base::Duration patience = default_patience);
    ControlForward(const ControlForward&) = delete;
    ControlForward& operator=(const ControlForward&) = delete;

    /// A handler that asks the child of this party.
    control::ControlServer::Handler to(ipc::Party party);

    /// Asks one child. Its rows go into the answer; then `done` is called, or the answer ended when there is
    /// none. A refusal of the child, or its silence, ends the answer at once.
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
    base::Duration patience_;
    std::vector<ipc::Requests> requests_;  ///< for each party
};

}  // namespace proxyd
