#pragma once

#include "libudpserver/ipc/messages.hpp"

namespace resolvers {

/// The port for updates of configured names: the policy in the same process, or a link to other processes.
class NameSink {
public:
    virtual ~NameSink() = default;
    virtual void update(const ipc::NameUpdate& update) = 0;
};

}  // namespace resolvers
