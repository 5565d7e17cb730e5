#include "libudpserver/sandbox/seccomp_filter.hpp"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "base/fatal.hpp"

namespace sandbox {
namespace {

/// A call that no kernel has an answer to: the parent's filter gives its version as the error.
constexpr std::uint64_t version_question = 0x70726f78;
constexpr int version_base = 3000;
/// ... and children trap in it, which needs no exception here.

/// The highest number of a call that may be refused. Each kernel adds a few; those of today end at 470.
constexpr int max_number = 511;

using Filter = std::unique_ptr<void, decltype(&::seccomp_release)>;

void check_step(int result, std::string_view what) {
    if (result < 0 && result != -EEXIST)
        throw base::Fatal("sandbox: " + std::string(what) + ": " + std::strerror(-result));
}

std::uint32_t code_of(Action action) {
    switch (action) {
        case Action::allow:
            return SCMP_ACT_ALLOW;
        case Action::refuse:
            return SCMP_ACT_ERRNO(ENOSYS);
        case Action::deny:
            return SCMP_ACT_ERRNO(EPERM);
        case Action::kill:
            break;
    }
    return SCMP_ACT_KILL_PROCESS;
}

/// The alternatives of a condition; one that tests nothing if there is none.
std::vector<std::vector<scmp_arg_cmp>> alternatives(const Condition& condition) {
    if (!condition.exists()) return {{}};
    std::vector<std::vector<scmp_arg_cmp>> all;
    for (std::size_t i = 0; i < condition.count; ++i)
        all.push_back(
            {SCMP_CMP64(condition.argument, SCMP_CMP_MASKED_EQ, condition.mask, condition.values[i])});
    if (condition.below > 0) all.push_back({SCMP_CMP64(condition.argument, SCMP_CMP_LT, condition.below)});
    if (condition.own_process)
        all.push_back({SCMP_CMP64(condition.argument, SCMP_CMP_MASKED_EQ, condition.mask,
                                  static_cast<std::uint64_t>(::getpid()))});
    return all;
}

/// All combinations of the alternatives of the row's conditions.
std::vector<std::vector<scmp_arg_cmp>> combinations(const CallRow& row) {
    std::vector<std::vector<scmp_arg_cmp>> all{{}};
    for (const Condition* condition : {&row.first, &row.second, &row.third}) {
        std::vector<std::vector<scmp_arg_cmp>> longer;
        for (const auto& tests : all) {
            for (const auto& more : alternatives(*condition)) {
                longer.push_back(tests);
                longer.back().insert(longer.back().end(), more.begin(), more.end());
            }
        }
        all = std::move(longer);
    }
    return all;
}

/// Of the calls that this architecture has.
std::vector<int> numbers_of(const CallRow& row) {
    std::vector<int> numbers;
    std::string_view rest = row.calls;
    while (!rest.empty()) {
        const std::string name(rest.substr(0, rest.find(' ')));
        const int number = ::seccomp_syscall_resolve_name(name.c_str());
        // To leave it out would allow it to the parent.
        if (number == __NR_SCMP_ERROR) throw base::Fatal("sandbox: libseccomp does not know " + name);
        if (number >= 0) numbers.push_back(number);
        rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    }
    return numbers;
}

void add_row(void* filter, const CallRow& row) {
    for (const int number : numbers_of(row))
        for (const auto& tests : combinations(row))
            check_step(::seccomp_rule_add_array(filter, code_of(row.action), number,
                                                static_cast<unsigned>(tests.size()), tests.data()),
                       name_of_call(number));
}

/// As a kernel without them does.
void refuse_unknown_calls(void* filter) {
    std::array<bool, max_number + 1> known{};
    for (const CallRow& row : call_rows())
        for (const int number : numbers_of(row))
            known.at(static_cast<std::size_t>(number)) = true;
    for (int number = 0; number <= max_number; ++number)
        if (!known[static_cast<std::size_t>(number)])
            check_step(::seccomp_rule_add_array(filter, code_of(Action::refuse), number, 0, nullptr),
                       name_of_call(number));
}

void add_version(void* filter) {
    const scmp_arg_cmp question = SCMP_CMP64(0, SCMP_CMP_EQ, version_question);
    check_step(::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(version_base + parent_version),
                                        SCMP_SYS(prctl), 1, &question),
               "version");
}

bool kernel_has_filters() {
    const std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

}  // namespace

bool install_filter(Role role, unsigned needs) {
    if (!kernel_has_filters()) return false;
    // The handler of SIGSYS reports the call to the parent (violation.hpp).
    const Filter filter(::seccomp_init(role == parent ? SCMP_ACT_ALLOW : SCMP_ACT_TRAP), &::seccomp_release);
    if (!filter) throw base::Fatal("sandbox: no memory for the filter");
    check_step(::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
               "architecture");
    check_step(::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "order");
    for (const CallRow& row : call_rows()) {
        const bool applies = (row.roles & role) != 0 && is_needed(row.need, needs);
        if (applies && row.action != Action::kill) add_row(filter.get(), row);
    }
    if (role == parent)
        add_version(filter.get());
    else if (std::getenv("PROXYD_STRICT_SANDBOX") == nullptr)
        refuse_unknown_calls(filter.get());
    check_step(::seccomp_load(filter.get()), "seccomp");
    return true;
}

unsigned inherited_parent_version() {
    if (::prctl(static_cast<int>(version_question), 0, 0, 0, 0) == 0 || errno <= version_base) return 0;
    return static_cast<unsigned>(errno - version_base);
}

std::string name_of_call(int number) {
    const std::unique_ptr<char, decltype(&::free)> name(
        ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number), &::free);
    return name ? name.get() : std::to_string(number);
}

}  // namespace sandbox
