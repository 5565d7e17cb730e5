#pragma once

#include <string>
#include <utility>

#include "base/lookup.hpp"

/// Names: the look-ups themselves, and the processes that ask for and keep them.
namespace resolvers {

using Question = base::Lookup;
using Answer = base::LookupAnswer;

/// How long a failure is remembered, so that not every caller asks again at once.
inline constexpr base::Duration failure_ttl = std::chrono::seconds(1);

inline Answer failure(Answer::Status status, std::string detail, base::Duration ttl = failure_ttl) {
    return {.status = status, .ttl = ttl, .detail = std::move(detail)};
}

/// The port for look-ups: a caller does not know whether c-ares, another process or a table answers.
class Resolver {
public:
    using Callback = base::LookupCallback;

    virtual ~Resolver() = default;

    /// The callback is called once, from the loop and never inside this call. A resolver that is destroyed
    /// answers its pending questions with `cancelled`.
    virtual void ask(Question question, Callback callback) = 0;
};

}  // namespace resolvers
