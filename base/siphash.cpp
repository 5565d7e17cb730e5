#include "base/siphash.hpp"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace base {

SipKey random_key() {
    SipKey key;
    ssize_t got;
    do {
        got = ::getrandom(&key, sizeof key, 0);
    } while (got < 0 && errno == EINTR);
    // The kernel delivers up to 256 bytes completely or not at all.
    if (got != sizeof key) throw std::system_error(errno, std::generic_category(), "getrandom");
    return key;
}

}  // namespace base
