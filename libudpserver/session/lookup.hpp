#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"

namespace session {

/// What a worker wants to know on line: the addresses of a name or, with an empty name, the names of an
/// address, each confirmed by its own addresses (K-63).
struct Lookup {
    std::string name;
    base::Address address;
};

struct LookupAnswer {
    enum class Status : std::uint8_t {
        found,
        nothing,  ///< there is no such name, or it has nothing of the kind: an answer, too
        failed    ///< nobody answered, or nothing that can be used
    };
    Status status = Status::failed;
    std::vector<base::Address> addresses;
    std::vector<std::string> names;
    base::Duration ttl{};  ///< how long it may be believed, a failure too
    std::string detail;    ///< why, for the log
};

/// Where a Server gets answers from. REG's asks APR and returns at once; singleproc's waits.
class LookupSource {
public:
    using Callback = std::function<void(LookupAnswer)>;

    virtual ~LookupSource() = default;
    /// Called in the thread of the worker that asks. `callback` is called once, in any thread, perhaps inside
    /// this call; always, and within a bounded time.
    virtual void ask(const Lookup& lookup, Callback callback) = 0;
};

}  // namespace session
