#include "base/lookup.hpp"

namespace base {

std::string_view to_string(LookupAnswer::Status status) {
    switch (status) {
        case LookupAnswer::ok:
            return "ok";
        case LookupAnswer::no_such_name:
            return "no such name";
        case LookupAnswer::no_data:
            return "no data";
        case LookupAnswer::server_failure:
            return "server failure";
        case LookupAnswer::timed_out:
            return "timed out";
        case LookupAnswer::refused_private:
            return "private address refused";
        case LookupAnswer::bad_name:
            return "bad name";
        case LookupAnswer::cancelled:
            return "cancelled";
        case LookupAnswer::busy:
            return "busy";
    }
    return "unknown";
}

std::string describe(const LookupAnswer& answer) {
    std::string text(to_string(answer.status));
    if (!answer.detail.empty()) text += ": " + answer.detail;
    if (answer.status == LookupAnswer::ok && !answer.failure.empty()) text += "; " + answer.failure;
    return text;
}

std::string_view record_type(Family family) {
    return family == Family::v6 ? "AAAA" : "A";
}

bool is_denial(LookupAnswer::Status status) {
    return status == LookupAnswer::no_such_name || status == LookupAnswer::no_data;
}

bool is_failure(LookupAnswer::Status status) {
    return status != LookupAnswer::ok && status != LookupAnswer::bad_name && !is_denial(status);
}

}  // namespace base
