#include "proxyd/trial.hpp"

#include <fmt/core.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "base/text.hpp"
#include "proxyd/candidate.hpp"
#include "proxyd/parent.hpp"
#include "proxyd/upgrade.hpp"

namespace proxyd {

namespace {

/// Our children serve meanwhile, but REG gets no more sockets.
constexpr base::Duration start_limit{3'000};
/// Nobody serves meanwhile: datagrams wait in socket buffers, each for at most max-queue-age.
constexpr base::Duration ready_limit{10'000};
constexpr base::Duration leave_limit{5'000};
constexpr std::size_t max_shown_reason = 500;

process::TriedProgram::Start start_of(const Program& program, const HandoverFile& file,
                                      const Handover& handover) {
    std::vector<int> descriptors = handover.descriptors();
    descriptors.push_back(file.descriptor());
    return {.path = program.path,
            .arguments = program.arguments,
            .environment = {file.variable()},
            .descriptors = std::move(descriptors),
            .socket_variable = candidate_variable};
}

}  // namespace

Trial::Trial(Parent& parent, const Program& program, const Handover& handover, Done done)
    : parent_(parent),
      done_(std::move(done)),
      with_sessions_(handover.arena.has_value()),
      timer_(parent.io()),
      program_(parent.io(), start_of(program, HandoverFile(handover), handover),
               {.on_word = [this](const std::string& word) { on_word(word); },
                .on_exit = [this](const process::ExitStatus& status) { on_exit(status); }},
               parent.supervisor().unreaped()) {
    await(Step::start, start_limit);
}

void Trial::on_word(const std::string& word) {
    if (word.starts_with(words::failed)) {
        reason_ = base::printable(word.substr(words::failed.size()), max_shown_reason);
    } else if (word == words::prepared && step_ == Step::start) {
        with_sessions_ ? let_serve() : finish({});
    } else if (word == words::ready && step_ == Step::ready) {
        await(Step::leave, leave_limit);
        program_.say(words::leave);
    }
}

/// The other program's children must not meet ours: two REGs would write to the same arena.
void Trial::let_serve() {
    await(Step::ready, ready_limit);
    parent_.supervisor().pause(process::Supervisor::Pause::leave, [this] { program_.say(words::go); });
}

void Trial::on_exit(const process::ExitStatus& status) {
    if (step_ == Step::leave && status.wait_status == 0) return finish({});
    finish(fmt::format("the new program failed: {}", reason_.empty() ? to_string(status) : reason_));
}

void Trial::await(Step step, base::Duration limit) {
    step_ = step;
    timer_.expires_after(limit);
    timer_.async_wait([this, step, limit](boost::system::error_code error) {
        if (error || step_ != step) return;
        constexpr const char* what[] = {"start", "become ready", "stop"};
        finish(fmt::format("the new program did not {} within {} and was killed",
                           what[static_cast<int>(step)], base::format_duration(limit)));
    });
}

void Trial::finish(const std::string& failure) {
    if (std::exchange(step_, Step::over) == Step::over) return;
    timer_.cancel();
    program_.end();
    // Posted, so that the callback may destroy this object.
    boost::asio::post(parent_.io(), [done = std::move(done_), failure] { done(failure); });
}

}  // namespace proxyd
