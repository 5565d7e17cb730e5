#pragma once

#include "libudpserver/ipc/messages.hpp"

namespace resolvers {

/// The port for whoever wants to be told what the configuration's names mean: in the same process, or at the
/// other end of a link.
class NameSink {
public:
    virtual ~NameSink() = default;
    virtual void tell(const ipc::NameNews& news) = 0;
};

}  // namespace resolvers
