#include "resolvers/confirming_resolver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace resolvers {
namespace {

using base::now;

// A name server does not know interfaces.
bool has_address(const Answer& answer, base::Address address) {
    address.scope = 0;
    return std::any_of(answer.addresses.begin(), answer.addresses.end(), [&](base::Address other) {
        other.scope = 0;
        return other == address;
    });
}

Answer without_names(Answer answer, Answer::Status status, std::string detail) {
    answer.names.clear();
    answer.status = status;
    answer.detail = std::move(detail);
    return answer;
}

}  // namespace

ConfirmingResolver::~ConfirmingResolver() {
    const Answer cancelled{.status = Answer::cancelled, .detail = "the resolver was stopped"};
    for (auto& [number, work] : works_)
        boost::asio::post(io_, [callback = std::move(work.callback), cancelled] { callback(cancelled); });
}

void ConfirmingResolver::ask(Question question, Callback callback) {
    if (!question.is_reverse()) return inner_.ask(std::move(question), callback);
    if (question.timeout <= base::Duration::zero()) question.timeout = timeout_;
    const std::uint64_t number = ++last_number_;
    works_.emplace(number, Work{question, std::move(callback), now() + question.timeout});
    inner_.ask(std::move(question),
               alive_.guard([this, number](const Answer& answer) { on_names(number, answer); }));
}

void ConfirmingResolver::on_names(std::uint64_t number, const Answer& answer) {
    if (answer.status != Answer::ok) return finish(number, answer);
    if (answer.names.empty()) return finish(number, without_names(answer, Answer::no_data, "no name"));
    Work& work = works_.at(number);
    work.reverse = answer;
    work.ttl = answer.ttl;
    const auto left = work.deadline - now();
    if (left <= base::Duration::zero())
        return finish(number, without_names(answer, Answer::timed_out,
                                            "no time left to confirm " + answer.names.front()));
    const std::size_t count = std::min(answer.names.size(), max_confirmed);
    work.pending = count;
    for (std::size_t i = 0; i < count; ++i)
        confirm(number, answer.names[i], left);
}

void ConfirmingResolver::confirm(std::uint64_t number, const std::string& name, base::Duration left) {
    // The trailing dot excludes the search list: a name of the reverse zone is complete.
    Question question{name.ends_with('.') ? name : name + '.'};
    question.timeout = left;
    question.refresh = works_.at(number).question.refresh;
    question.allow_private = true;
    inner_.ask(std::move(question), alive_.guard([this, number, name](const Answer& answer) {
        on_addresses(number, name, answer);
    }));
}

void ConfirmingResolver::on_addresses(std::uint64_t number, const std::string& name, const Answer& answer) {
    Work& work = works_.at(number);
    work.ttl = std::min(work.ttl, answer.ttl);
    if (answer.status == Answer::ok && has_address(answer, work.question.address))
        work.confirmed.push_back(name);
    else if (is_failure(answer.status) && work.failure.status == Answer::ok)
        work.failure = answer;
    if (--work.pending > 0) return;

    finish(number, result_of(work));
}

// Without a confirmed name: a failure hides that other names were refused.
Answer ConfirmingResolver::result_of(const Work& work) {
    Answer answer = work.reverse;
    answer.ttl = work.ttl;
    answer.names = work.confirmed;
    std::sort(answer.names.begin(), answer.names.end());
    if (!answer.names.empty()) return answer;
    const std::size_t count = work.reverse.names.size();
    const std::string names = count == 1
                                  ? work.reverse.names.front()
                                  : fmt::format("{} and {} more", work.reverse.names.front(), count - 1);
    const bool failed = work.failure.status != Answer::ok;
    answer.status = failed ? work.failure.status : Answer::no_data;
    answer.detail = failed ? fmt::format("{}: not confirmed: {}", names, work.failure.detail)
                           : fmt::format("{}: none has the address", names);
    if (count > max_confirmed) answer.detail += fmt::format(", {} were checked", max_confirmed);
    return answer;
}

// The callback may destroy this.
void ConfirmingResolver::finish(std::uint64_t number, const Answer& answer) {
    const Callback callback = std::move(works_.at(number).callback);
    works_.erase(number);
    callback(answer);
}

}  // namespace resolvers
