#pragma once

#include <array>
#include <optional>

#include "libudpserver/sandbox/table.hpp"

namespace sandbox {

/// Where a child leaves the number of the system call that its filter forbids. The parent makes one object
/// before it starts children. What a child writes proves nothing: it may have been taken over.
class Violations {
public:
    /// Throws std::system_error.
    Violations();
    ~Violations();
    Violations(const Violations&) = delete;
    Violations& operator=(const Violations&) = delete;

    /// In a child: its forbidden calls are reported for this role, then kill it (SIGSYS). The places of the
    /// other roles are gone.
    void report_as(Role role);

    /// In the parent: the last forbidden call of the role, which is forgotten then.
    std::optional<int> take(Role role);

private:
    struct Place {
        Role role;
        volatile int* call = nullptr;  ///< a page of its own
    };
    std::array<Place, all_roles.size()> places_;
};

}  // namespace sandbox
