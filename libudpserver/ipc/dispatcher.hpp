#pragma once

#include <array>
#include <functional>
#include <utility>

#include "libudpserver/ipc/message.hpp"

namespace ipc {

/// The handlers of one endpoint, a table with a place for each message type. `Context...` is what a handler
/// gets besides the message, for example the child that sent it.
template <typename... Context>
class Dispatcher {
public:
    using Handler = std::function<void(Context..., Message&)>;

    void on(MessageType type, Handler handler) { handlers_[index(type)] = std::move(handler); }
    [[nodiscard]] bool handles(MessageType type) const { return static_cast<bool>(handlers_[index(type)]); }

    /// False when nobody here wants this type; the message is then dropped.
    bool dispatch(Context... context, Message& message) const {
        if (!handles(message.type)) return false;
        handlers_[index(message.type)](context..., message);
        return true;
    }

private:
    // The channel lets only known types through, so a number outside the table is our own mistake.
    static std::size_t index(MessageType type) { return static_cast<std::size_t>(type); }

    std::array<Handler, message_type_count + 1> handlers_;
};

}  // namespace ipc
