// Passes a handover to the next program: descriptors without close-on-exec survive the exec, and a memory
// file, named by an environment variable, lists them.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "base/unique_fd.hpp"
#include "proxyd/handover.hpp"

namespace proxyd {

namespace {

constexpr const char* variable_name = "PROXYD_HANDOVER";
constexpr off_t max_text = 16 << 20;

[[noreturn]] void fail(const char* step) {
    throw std::system_error(errno, std::system_category(), step);
}

void close_on_exec(const std::vector<int>& descriptors, bool on) {
    for (const int descriptor : descriptors)
        if (::fcntl(descriptor, F_SETFD, on ? FD_CLOEXEC : 0) != 0) fail("fcntl");
}

base::UniqueFd write_file(const std::string& text, unsigned flags) {
    base::UniqueFd file(::memfd_create("proxyd-handover", flags));
    if (!file) fail("memfd_create");
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t written = ::write(file.get(), text.data() + done, text.size() - done);
        if (written < 0 && errno != EINTR) fail("write");
        if (written > 0) done += static_cast<std::size_t>(written);
    }
    return file;
}

std::string read_file(int descriptor) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) fail("handover: fstat");
    if (status.st_size > max_text) throw std::runtime_error("handover: too long");
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    if (::pread(descriptor, text.data(), text.size(), 0) != status.st_size) fail("handover: read");
    return text;
}

}  // namespace

HandoverFile::HandoverFile(const Handover& handover) : file_(write_file(to_text(handover), MFD_CLOEXEC)) {}

std::string HandoverFile::variable() const {
    return std::string(variable_name) + "=" + std::to_string(file_.get());
}

void leave_handover(const Handover& handover) {
    base::UniqueFd file = write_file(to_text(handover), 0);
    try {
        close_on_exec(handover.descriptors(), false);
        if (::setenv(variable_name, std::to_string(file.get()).c_str(), 1) != 0) fail("setenv");
    } catch (...) {
        take_handover_back(handover);
        throw;
    }
    static_cast<void>(file.release());
}

void take_handover_back(const Handover& handover) {
    for (const int descriptor : handover.descriptors())
        static_cast<void>(::fcntl(descriptor, F_SETFD, FD_CLOEXEC));
    if (const char* const number = std::getenv(variable_name)) ::close(std::atoi(number));
    ::unsetenv(variable_name);
}

std::optional<Handover> receive_handover() {
    const char* const value = std::getenv(variable_name);
    if (value == nullptr) return std::nullopt;
    const std::string_view word = value;
    int descriptor = -1;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), descriptor);
    if (error != std::errc() || end != word.data() + word.size() || descriptor < 0)
        throw std::runtime_error(std::string("handover: ") + variable_name + " is not a descriptor");
    ::unsetenv(variable_name);
    const base::UniqueFd file(descriptor);
    Handover handover = parse_handover(read_file(file.get()));
    close_on_exec(handover.descriptors(), true);
    return handover;
}

}  // namespace proxyd
