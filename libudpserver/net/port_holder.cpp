#include "libudpserver/net/port_holder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <vector>

#include "base/text.hpp"

namespace net {

namespace fs = std::filesystem;

namespace {

/// As /proc/net writes an address: words of 32 bits in the order of the machine.
std::string hex_of(const base::Address& address) {
    const std::size_t words = address.family == base::Family::v6 ? 4 : 1;
    std::string text;
    for (std::size_t i = 0; i < words; ++i) {
        std::uint32_t word = 0;
        std::memcpy(&word, address.bytes.data() + 4 * i, sizeof word);
        text += fmt::format("{:08X}", word);
    }
    return text;
}

/// Of the sockets in /proc/net/udp or udp6 that have this port, and this address or the wildcard.
void add_inodes(const char* file, const std::string& address, std::uint16_t port,
                std::set<std::string>& inodes) {
    std::ifstream lines(file);
    std::string line;
    std::getline(lines, line);
    const std::string port_text = fmt::format(":{:04X}", port);
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        const std::vector<std::string> words{std::istream_iterator<std::string>(fields), {}};
        if (words.size() < 10 || !words[1].ends_with(port_text)) continue;
        const std::string held = words[1].substr(0, words[1].size() - port_text.size());
        const auto is_wildcard = [](const std::string& text) {
            return text.find_first_not_of('0') == std::string::npos;
        };
        if (held == address || is_wildcard(held) || is_wildcard(address))
            inodes.insert("socket:[" + words[9] + "]");
    }
}

void add_ports(const char* file, std::bitset<65536>& ports) {
    std::ifstream lines(file);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        std::string number, local;
        fields >> number >> local;
        const std::size_t colon = local.rfind(':');
        std::uint16_t port = 0;
        if (colon == std::string::npos) continue;
        std::from_chars(local.data() + colon + 1, local.data() + local.size(), port, 16);
        ports.set(port);
    }
}

std::string line_of(const fs::path& file) {
    std::ifstream text(file);
    std::string line;
    std::getline(text, line);
    return line;
}

/// The arguments of a process, with spaces between them.
std::string title_of(const fs::path& process) {
    std::string title = line_of(process / "cmdline");
    std::ranges::replace(title, '\0', ' ');
    while (title.ends_with(' '))
        title.pop_back();
    return base::printable(title.empty() ? line_of(process / "comm") : title, 80);
}

/// A child has its role in its name, and belongs to a process without one.
bool is_orphan(const fs::path& process) {
    if (!line_of(process / "comm").starts_with("proxyd[")) return false;
    std::ifstream status(process / "status");
    std::string word;
    while (status >> word)
        if (word == "PPid:" && status >> word) return line_of(fs::path("/proc") / word / "comm") != "proxyd";
    return false;
}

bool has_one_of(const fs::path& process, const std::set<std::string>& inodes) {
    std::error_code unreadable;
    for (fs::directory_iterator fd(process / "fd", unreadable), end; fd != end; fd.increment(unreadable)) {
        if (unreadable) break;
        if (inodes.contains(fs::read_symlink(fd->path(), unreadable).string())) return true;
    }
    return false;
}

std::optional<PortHolder> holder_of(const std::set<std::string>& inodes) {
    std::error_code unreadable;
    for (fs::directory_iterator process("/proc", unreadable), end; process != end;
         process.increment(unreadable)) {
        if (unreadable) break;
        const std::string name = process->path().filename().string();
        pid_t pid = -1;
        const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc() || rest != name.data() + name.size() || pid == ::getpid()) continue;
        if (has_one_of(process->path(), inodes))
            return PortHolder{pid, title_of(process->path()), is_orphan(process->path())};
    }
    return std::nullopt;
}

}  // namespace

std::optional<PortHolder> find_port_holder(const base::Endpoint& local) {
    std::set<std::string> inodes;
    const bool is_v6 = local.family == base::Family::v6;
    add_inodes(is_v6 ? "/proc/net/udp6" : "/proc/net/udp", hex_of(local.address()), local.port, inodes);
    if (inodes.empty()) return std::nullopt;
    return holder_of(inodes);
}

std::string remedy(const PortHolder& holder) {
    if (holder.is_orphan)
        return fmt::format(
            "; pid {} ({}) has it, left over from a proxyd that was killed: end it with `kill -9 {}`",
            holder.pid, holder.title, holder.pid);
    return fmt::format("; pid {} ({}) has it", holder.pid, holder.title);
}

std::bitset<65536> used_ports() {
    std::bitset<65536> ports;
    add_ports("/proc/self/net/udp", ports);
    add_ports("/proc/self/net/udp6", ports);
    return ports;
}

}  // namespace net
