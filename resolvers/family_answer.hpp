#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// What an answer says about one address family.
struct FamilyAnswer {
    enum Kind { found, denied, failed };
    Kind kind = failed;
    std::vector<base::Address> addresses{};  ///< sorted, each once; only if found
    base::Duration ttl{};
};

constexpr std::array families{base::Family::v4, base::Family::v6};
using FamilyAnswers = std::array<std::optional<FamilyAnswer>, families.size()>;

/// An answer as one for each family. `asked`: the answer is only about this one; none: about both.
FamilyAnswers by_family(const Answer& answer, base::Family asked);

}  // namespace resolvers
