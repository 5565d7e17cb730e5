#include "proxyd/lookup_service.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "conf/names.hpp"
#include "proxyd/proxies/registry.hpp"
#include "resolvers/resolve_once.hpp"

namespace proxyd {

namespace {

using session::LookupAnswer;

resolvers::Question question_of(const session::Lookup& lookup) {
    resolvers::Question question;
    question.name = lookup.name;
    question.address = lookup.address;
    question.kind =
        lookup.name.empty() ? resolvers::Question::names_of_address : resolvers::Question::addresses;
    return question;
}

LookupAnswer::Status status_of(const resolvers::Answer& answer) {
    if (answer.status == resolvers::Answer::ok) return LookupAnswer::Status::found;
    const bool nothing = resolvers::is_denial(answer.status) || answer.status == resolvers::Answer::bad_name;
    return nothing ? LookupAnswer::Status::nothing : LookupAnswer::Status::failed;
}

LookupAnswer answer_of(const resolvers::Answer& answer) {
    std::string detail(resolvers::to_string(answer.status));
    if (!answer.detail.empty()) detail += ": " + answer.detail;
    return {.status = status_of(answer),
            .addresses = answer.addresses,
            .names = answer.names,
            .ttl = answer.ttl,
            .detail = std::move(detail)};
}

}  // namespace

bool needs_lookups(const conf::Config& config) {
    return config.log.names || conf::has_patterns(config) || proxies::looks_up(config.proxy);
}

void AskingLookups::ask(const session::Lookup& lookup, Callback callback) {
    boost::asio::post(io_, [this, lookup, callback = std::move(callback)] {
        resolver_.ask(question_of(lookup),
                      [callback](const resolvers::Answer& answer) { callback(answer_of(answer)); });
    });
}

WaitingLookups::WaitingLookups(resolvers::Settings settings) : settings_(std::move(settings)) {
    // Each question gets a resolver of its own, and each of these would tell it again.
    settings_.hosts_file_told = true;
}

void WaitingLookups::ask(const session::Lookup& lookup, Callback callback) {
    callback(answer_of(resolvers::ask_once(settings_, question_of(lookup))));
}

}  // namespace proxyd
