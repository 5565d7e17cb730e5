#pragma once

#include <concepts>
#include <memory>
#include <utility>

namespace resolvers {

/// Guards handlers that capture `this`: one that the loop runs after its object has gone does nothing. A
/// member of the object, declared last. Cancelling is not enough, since a handler may be queued already.
class Lifetime {
public:
    template <typename Handler>
    auto guard(Handler handler) const {
        return [ token = std::weak_ptr<const int>(token_), handler = std::move(handler) ](
            auto&&... arguments) requires std::invocable<const Handler&, decltype(arguments)...> {
            if (!token.expired()) handler(std::forward<decltype(arguments)>(arguments)...);
        };
    }

private:
    std::shared_ptr<const int> token_ = std::make_shared<const int>(0);
};

}  // namespace resolvers
