#pragma once

#include <functional>
#include <optional>

#include "base/signals.hpp"
#include "base/unique_fd.hpp"
#include "conf/config.hpp"
#include "libudpserver/net/network_changes.hpp"
#include "libudpserver/process/child_runtime.hpp"
#include "proxyd/kept_state.hpp"
#include "resolvers/name_snapshot.hpp"

/// What each process of proxyd does after its start. Every function returns the exit status of its process.
namespace proxyd {

/// What a child opens or reads before its sandbox forbids it. The parent's is empty.
struct Opened {
    base::UniqueFd network;                      ///< of REG, for net::NetworkMonitor
    std::optional<net::NetworkChanges> changes;  ///< of ACR
    conf::Resolver resolver;                     ///< the section with what resolv.conf adds
};

struct RegOptions {
    bool draining = false;   ///< it opens no session
    int status_sender = -1;  ///< to LOG, which writes the status file; -1: none is written
};

/// REG: adopts the sessions and forwards datagrams until it is stopped. It starts with the addresses of the
/// snapshot; ACR may be down.
int reg_main(process::ChildRuntime& runtime, const conf::Config& config, KeptState& kept,
             const resolvers::NameSnapshot& snapshot, Opened& opened, const RegOptions& options);

/// Records the sessions that the last REG could not record itself, for example after a crash loop (K-23).
int report_main(process::ChildRuntime& runtime, const conf::Config& config, KeptState& kept);

/// ACR: keeps the names of the snapshot resolved and publishes changes to REG and the parent.
int acr_main(process::ChildRuntime& runtime, const conf::Config& config, resolvers::NameSnapshot snapshot,
             Opened& opened);

/// APR: resolves names on demand for REG.
int apr_main(process::ChildRuntime& runtime, const Opened& opened);

/// singleproc: the same server in one process, without supervision, for debugging (K-10). Calls `ready` when
/// it is.
int single_main(const conf::Config& config, KeptState& kept, base::SignalInbox& signals,
                const std::function<void()>& ready);

}  // namespace proxyd
