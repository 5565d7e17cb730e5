#include "base/messages.hpp"

namespace base {

std::span<const Message* const> all_messages() {
    static constexpr const Message* all[] = {
#define MESSAGE(name, id, budget, meaning, remedy) &msg::name,
#include "base/messages.def"
#undef MESSAGE
    };
    return all;
}

}  // namespace base
