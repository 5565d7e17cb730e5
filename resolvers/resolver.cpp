#include "resolvers/resolver.hpp"

namespace resolvers {

std::string_view to_string(Answer::Status status) {
    switch (status) {
        case Answer::ok:
            return "ok";
        case Answer::no_such_name:
            return "no such name";
        case Answer::no_data:
            return "no data";
        case Answer::server_failure:
            return "server failure";
        case Answer::timed_out:
            return "timed out";
        case Answer::refused_private:
            return "private address refused";
        case Answer::bad_name:
            return "bad name";
        case Answer::cancelled:
            return "cancelled";
        case Answer::busy:
            return "busy";
    }
    return "unknown";
}

bool is_denial(Answer::Status status) {
    return status == Answer::no_such_name || status == Answer::no_data;
}

}  // namespace resolvers
