#include "base/pass_rights.hpp"

#include <sys/socket.h>

// Since Linux 6.16; the headers may be older than the kernel.
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

namespace base {

bool refuse_descriptors(int socket) {
    const int off = 0;
    return ::setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off) == 0;
}

}  // namespace base
