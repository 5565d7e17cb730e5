#pragma once

#include <concepts>
#include <memory>
#include <utility>

namespace resolvers {

/// Guards handlers that capture `this`: one that the loop runs after its object is gone does nothing. Declare
/// it as the object's last member. Cancelling a timer is not enough, since its handler may be queued already.
class AliveGuard {
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
