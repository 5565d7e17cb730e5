#include "libudpserver/sandbox/violation.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

namespace sandbox {
namespace {

constexpr std::size_t page = 4096;
constexpr int none = 0;

/// For the handler, which has no object.
volatile int* place_of_this_process = nullptr;

// The handler is reset and SIGSYS is blocked while it runs, so the same call kills the process for good. The
// kernel has ptrace() everywhere, and no filter of a child allows it.
void on_forbidden_call(int, siginfo_t* info, void*) {
    if (place_of_this_process != nullptr) *place_of_this_process = info->si_syscall + 1;
    ::syscall(SYS_ptrace, -1, 0, 0, 0);
    ::_exit(1);
}

}  // namespace

Violations::Violations() {
    for (std::size_t i = 0; i < places_.size(); ++i) {
        void* const memory = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::system_error(errno, std::system_category(), "sandbox: mmap");
        places_[i] = {all_roles[i], static_cast<volatile int*>(memory)};
    }
}

Violations::~Violations() {
    for (const Place& place : places_)
        if (place.call != nullptr) ::munmap(const_cast<int*>(place.call), page);
}

void Violations::report_as(Role role) {
    for (Place& place : places_) {
        if (place.role == role)
            place_of_this_process = place.call;
        else
            ::munmap(const_cast<int*>(place.call), page);
        place.call = nullptr;
    }
    struct sigaction action {};
    action.sa_sigaction = on_forbidden_call;
    action.sa_flags = SA_SIGINFO | static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGSYS, &action, nullptr);
}

std::optional<int> Violations::take(Role role) {
    for (const Place& place : places_) {
        if (place.role != role || *place.call == none) continue;
        // The child may have left any number here.
        const int call = static_cast<int>(static_cast<unsigned>(*place.call) - 1);
        *place.call = none;
        return call;
    }
    return std::nullopt;
}

}  // namespace sandbox
