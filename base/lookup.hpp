#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"

namespace base {

/// A question: the addresses of `name` or, without a name, the names of `address`.
struct Lookup {
    std::string name{};    ///< an address is its own answer; a trailing dot disables the search list
    Address address{};     ///< only without a name
    Duration timeout{};    ///< over all servers, retries and search domains; 0: the resolver's default
    bool refresh = false;  ///< bypass the cache: the caller renews an answer that is about to expire
    /// Accept private addresses whatever the configuration says: the caller compares them with an address
    /// that it knows already, to confirm a reverse name.
    bool allow_private = false;
    Family family = Family::none;  ///< only the addresses of this family; none: of all configured ones

    [[nodiscard]] bool is_reverse() const { return name.empty(); }
};

/// The complete answer, or the reason why there is none; never a part of a list.
struct LookupAnswer {
    enum Status : std::uint8_t {
        ok,
        no_such_name,     ///< a server says that the name does not exist (NXDOMAIN)
        no_data,          ///< it exists without a record of this type
        server_failure,   ///< every server refused, failed or sent an unusable answer
        timed_out,        ///< no server answered in time
        refused_private,  ///< a public name that resolves to a private address (allow-private)
        bad_name,         ///< no server was asked: the name is not valid
        cancelled,        ///< the resolver was destroyed first
        busy,             ///< too many look-ups are pending
    };

    Status status = ok;
    std::vector<Address> addresses{};  ///< sorted, without duplicates
    std::vector<std::string> names{};  ///< lower case, without the trailing dot
    Duration ttl{};          ///< how long the answer is valid, a denial or failure too; clamped (K-56)
    std::string detail{};    ///< which server `#n` (K-62) and why, for the log
    std::string found_as{};  ///< inside a resolver: the name with its search domain
    /// The only family whose look-up failed, and why: the other one has `addresses` or, if `status` is a
    /// failure, was denied any.
    Family failed = Family::none;
    std::string failure{};
};
constexpr std::size_t lookup_statuses = LookupAnswer::busy + 1;

using LookupCallback = std::function<void(const LookupAnswer&)>;

/// `ok`, `no such name`, ... for logs and INFO.
std::string_view to_string(LookupAnswer::Status status);

/// `timed out: #1 no answer`, for logs.
std::string describe(const LookupAnswer& answer);

/// `AAAA`, `A`: the record type of a family's addresses.
std::string_view record_type(Family family);

/// A server or the zone itself says that there is nothing: not a failure, so an older answer is given up.
[[nodiscard]] bool is_denial(LookupAnswer::Status status);

/// Neither found nor denied: nothing is known.
[[nodiscard]] bool is_failure(LookupAnswer::Status status);

}  // namespace base
