#pragma once

namespace base {

/// From now on the kernel rejects packets with descriptors (SCM_RIGHTS) to this socket. Older kernels than
/// 6.16 do not know how; false then.
bool refuse_descriptors(int socket);

}  // namespace base
