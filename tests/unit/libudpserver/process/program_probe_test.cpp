#include "libudpserver/process/program_probe.hpp"

#include <fcntl.h>

#include <system_error>

#include "tests/support/process_fixture.hpp"

using process::probe_program;

namespace {

process::Probe shell(const std::string& text, std::chrono::milliseconds limit = 10s) {
    process::Unreaped unreaped;
    const base::UniqueFd input(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    return probe_program("/bin/sh", {"-c", text}, input.get(), limit, unreaped);
}

unsigned long long hexadecimal(const std::string& text, const std::string& label) {
    const std::size_t at = text.find(label);
    REQUIRE(at != std::string::npos);
    return std::stoull(text.substr(at + label.size()), nullptr, 16);
}

}  // namespace

TEST_CASE("what a program says on both outputs, and how it ends") {
    const process::Probe probe = shell("echo one; echo two >&2; exit 3");
    CHECK(probe.output == "one\ntwo\n");
    CHECK_FALSE(probe.good());
    CHECK(WEXITSTATUS(probe.wait_status) == 3);
    CHECK(shell("exit 0").good());
    CHECK(shell("read line; echo $line").output.starts_with("root:"));
}

TEST_CASE("a program that does not end is killed, one that says too much is cut") {
    const process::Probe hung = shell("echo begun; exec sleep 100", 200ms);
    CHECK(hung.hung);
    CHECK(hung.output == "begun\n");
    CHECK(WTERMSIG(hung.wait_status) == SIGKILL);
    CHECK(shell("exec >&- 2>&-; exec sleep 100", 200ms).hung);
    const process::Probe loud =
        shell("i=0; while [ $i -lt 3000 ]; do echo 0123456789012345; i=$((i+1)); done");
    CHECK(loud.good());
    CHECK(loud.output.size() < 32 * 1024);
}

TEST_CASE("it gets no other descriptor, no blocked signal and no ignored one") {
    const base::UniqueFd inherited(::fcntl(0, F_DUPFD, 100));  // not closed by an exec
    const base::BlockSignals blocked;
    std::signal(SIGPIPE, SIG_IGN);
    const process::Probe descriptors =
        shell("test -e /proc/$$/fd/" + std::to_string(inherited.get()) + " || echo none");
    const process::Probe probe = shell("exec grep -E 'Sig(Blk|Ign)' /proc/self/status");
    std::signal(SIGPIPE, SIG_DFL);
    CHECK(descriptors.output == "none\n");
    CHECK(hexadecimal(probe.output, "SigBlk:") == 0);
    // glibc lets a spawned program ignore its own two.
    CHECK((hexadecimal(probe.output, "SigIgn:") & ~0x1'8000'0000ull) == 0);
}

TEST_CASE("a program that is not there") {
    process::Unreaped unreaped;
    CHECK_THROWS_AS(probe_program("/nowhere/proxyd", {}, 0, 1s, unreaped), std::system_error);
}
