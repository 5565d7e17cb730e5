#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "conf/config.hpp"

namespace policy {

/// What rules look at. The first datagram of a client has all of it.
struct Question {
    base::Endpoint client;
    base::Endpoint local;   ///< the address the client sent to
    std::uint8_t dscp = 0;  ///< 0..63, as received
    base::LocalTime time;   ///< ignored unless a rule has a time
    /// The client's confirmed reverse names; null while they are not known.
    const std::vector<std::string>* client_names = nullptr;
};

/// A question as administrators write it, in parts. `time` and `dscp` may be empty.
struct QuestionText {
    std::string client, local, time, dscp;
};

/// A mistake in the text of a question.
struct BadQuestion : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Splits `from HOST[:PORT] to HOST[:PORT] [at [DAY] HH:MM] [dscp N]`. Throws BadQuestion.
[[nodiscard]] QuestionText split_question(std::string_view expression);

/// Reads all parts. The default for the day and the time is `now`, for the port of `local` the first one that
/// the address listens on. Throws BadQuestion.
[[nodiscard]] Question parse_question(const QuestionText& text, const conf::Config& config,
                                      const base::LocalTime& now);

/// The entry of `listen-on` that receives what is sent to `local`, on any port if it has none; or null.
[[nodiscard]] const conf::ListenOn* listener_of(const conf::Config& config, const base::Endpoint& local);

}  // namespace policy
