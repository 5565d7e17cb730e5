#include "resolvers/family_answer.hpp"

#include <algorithm>

namespace resolvers {
namespace {

FamilyAnswer found_in(const Answer& answer, base::Family family) {
    FamilyAnswer result{.kind = FamilyAnswer::found, .ttl = answer.ttl};
    for (const base::Address& address : answer.addresses)
        if (address.family == family) result.addresses.push_back(address);
    std::ranges::sort(result.addresses);
    result.addresses.erase(std::unique(result.addresses.begin(), result.addresses.end()),
                           result.addresses.end());
    if (result.addresses.empty()) result.kind = FamilyAnswer::denied;
    return result;
}

FamilyAnswer answer_for(const Answer& answer, base::Family family) {
    if (answer.failed == family) return {.kind = FamilyAnswer::failed};
    if (answer.status == Answer::ok) return found_in(answer, family);
    // If only the other family failed, this one was denied.
    if (is_denial(answer.status) || answer.failed != base::Family::none)
        return {.kind = FamilyAnswer::denied};
    return {.kind = FamilyAnswer::failed};
}

}  // namespace

FamilyAnswers by_family(const Answer& answer, base::Family asked) {
    FamilyAnswers answers;
    for (std::size_t i = 0; i < families.size(); ++i)
        if (asked == base::Family::none || asked == families[i]) answers[i] = answer_for(answer, families[i]);
    return answers;
}

}  // namespace resolvers
