#pragma once

#include <array>
#include <functional>
#include <utility>

#include "libudpserver/ipc/message.hpp"

namespace ipc {

/// The handlers of one endpoint, by message type. `Context...` are further arguments of a handler, for
/// example the child that sent the message.
template <typename... Context>
class Dispatcher {
public:
    using Handler = std::function<void(Context..., Message&)>;

    void on(MessageType type, Handler handler) { handlers_[index(type)] = std::move(handler); }
    [[nodiscard]] bool has_handler(MessageType type) const {
        return static_cast<bool>(handlers_[index(type)]);
    }

    /// False if this type has no handler; the message is then dropped.
    bool dispatch(Context... context, Message& message) const {
        if (!has_handler(message.type)) return false;
        handlers_[index(message.type)](context..., message);
        return true;
    }

private:
    // The channel only passes known types.
    static std::size_t index(MessageType type) { return static_cast<std::size_t>(type); }

    std::array<Handler, message_type_count + 1> handlers_;
};

}  // namespace ipc
