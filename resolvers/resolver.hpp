#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"

/// Names: who asks for them, who keeps them, and the look-ups themselves.
namespace resolvers {

/// What somebody wants to know.
struct Question {
    enum Kind { addresses, names_of_address };

    std::string name;  ///< for addresses; an address is its own answer, a trailing dot stops the search list
    Kind kind = addresses;
    base::Address address;     ///< for names_of_address
    base::Duration timeout{};  ///< over all servers, retries and search domains; 0: the resolver's default
    /// Not from the cache: the answer is wanted because the one at hand grows old.
    bool refresh = false;
    /// Private addresses are welcome whatever the resolver's setting is: for a comparison with an address
    /// that is known already, as when a reverse name is confirmed.
    bool private_welcome = false;
};

/// The whole answer or the reason why there is none; never a part of a list.
struct Answer {
    enum Status {
        ok,
        no_such_name,     ///< a server says that the name does not exist (NXDOMAIN)
        no_data,          ///< it exists and has nothing of the kind
        server_failure,   ///< every server refused, failed or sent what cannot be used
        timed_out,        ///< no server answered in time
        refused_private,  ///< a public name that means a private address (allow-private)
        bad_name,         ///< no server was asked: the name cannot exist
        cancelled,        ///< the resolver ended first
        busy,             ///< too many look-ups wait already
    };

    Status status = ok;
    std::vector<base::Address> addresses;  ///< sorted, each once
    std::vector<std::string> names;        ///< lower case, without the last dot
    base::Duration ttl{};                  ///< how long this may be believed, a refusal too; clamped (K-56)
    std::string detail;                    ///< which server `#n` (K-62) and why, for the log
    std::string found_as{};                ///< ok, from a server: the name it has, with the search domain
};
constexpr std::size_t answer_statuses = Answer::busy + 1;

/// `ok`, `no such name`, ... as logs and INFO say it.
std::string_view to_string(Answer::Status status);

/// A server or the zone itself says that there is nothing: no fault, so an older answer does not live on.
[[nodiscard]] bool is_denial(Answer::Status status);

/// The port: whoever needs a name asks it here and does not know whether c-ares, another process or a table
/// answers.
class Resolver {
public:
    using Callback = std::function<void(const Answer&)>;

    virtual ~Resolver() = default;

    /// The callback is called once, from the loop and never inside this call. A resolver that ends answers
    /// what is pending with `cancelled`.
    virtual void ask(Question question, Callback callback) = 0;
};

}  // namespace resolvers
