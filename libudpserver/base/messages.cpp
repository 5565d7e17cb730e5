#include "libudpserver/base/messages.hpp"

namespace base {

LogLevel Message::level() const {
    switch (severity()) {
        case 'W':
            return LogLevel::warning;
        case 'K':
            return LogLevel::normal;
        case 'D':
            // The LOGS-8xx messages are the finer half of debugging.
            return id.starts_with("LOGS-8") ? LogLevel::trace : LogLevel::debug;
        default:  // E at the lowest level; C, N and I are never switched off
            return LogLevel::error;
    }
}

std::span<const Message* const> all_messages() {
    static constexpr const Message* all[] = {
#define MESSAGE(name, id, budget, meaning, remedy) &msg::name,
#include "libudpserver/base/messages.def"
#undef MESSAGE
    };
    return all;
}

}  // namespace base
