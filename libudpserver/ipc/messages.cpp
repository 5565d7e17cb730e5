#include "libudpserver/ipc/messages.hpp"

namespace ipc {

Ready Ready::decode(Decoder& in) {
    Ready value;
    value.adopted = in.u32();
    value.aborted = in.u32();
    return value;
}

PoolRequest PoolRequest::decode(Decoder& in) {
    PoolRequest value;
    value.group = in.u16();
    value.worker = in.u8();
    value.count = in.u16();
    return value;
}

PoolSockets PoolSockets::decode(Decoder& in) {
    PoolSockets value;
    value.group = in.u16();
    value.worker = in.u8();
    value.first_index = in.u32();
    value.count = in.u16();
    value.error = in.i32();
    if (value.count > max_descriptors) in.fail();
    return value;
}

}  // namespace ipc
