#include "proxyd/status_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>

#include "base/log.hpp"

namespace proxyd {

namespace {

/// More than a session takes in any format, with the longest names.
constexpr std::uint64_t max_bytes_per_session = 2048, max_bytes_beside = 65536;

struct Packet {
    std::string_view text;
    int pid = -1;  ///< of its sender
};

/// Waits for a packet; nothing if no sender is left.
std::optional<Packet> receive(int socket, std::span<char> buffer) {
    for (;;) {
        iovec part{buffer.data(), buffer.size()};
        alignas(cmsghdr) char credentials[CMSG_SPACE(sizeof(ucred))];
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = credentials;
        message.msg_controllen = sizeof credentials;
        pollfd watched{socket, POLLIN, 0};
        if (::poll(&watched, 1, -1) < 0) continue;
        const ssize_t got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got <= 0 && (watched.revents & POLLHUP) != 0) return std::nullopt;
        if (got <= 0) continue;
        ucred sender{};
        for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one))
            if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == SCM_CREDENTIALS)
                std::memcpy(&sender, CMSG_DATA(one), sizeof sender);
        return Packet{{buffer.data(), static_cast<std::size_t>(got)}, sender.pid};
    }
}

std::optional<StatusPlace> place_in(std::string_view text) {
    StatusPlace place;
    if (text.size() < sizeof place.max_bytes) return std::nullopt;
    std::memcpy(&place.max_bytes, text.data(), sizeof place.max_bytes);
    place.path = text.substr(sizeof place.max_bytes);
    return place;
}

}  // namespace

void StatusWriter::set_path(const std::string& path) {
    discard();
    path_ = path;
}

bool StatusWriter::begin() {
    discard();
    size_ = 0;
    // A file left behind by a crash is removed; a link is not followed.
    ::unlink(temporary().c_str());
    file_.reset(::open(temporary().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640));
    return file_ || fail("cannot be created");
}

bool StatusWriter::put(std::string_view text) {
    if (!file_) return false;
    size_ += text.size();
    while (!text.empty()) {
        const ssize_t written = ::write(file_.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return fail("cannot be written");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

bool StatusWriter::finish() {
    if (!file_) return false;
    file_.reset();
    return ::rename(temporary().c_str(), path_.c_str()) == 0 || fail("cannot be replaced");
}

bool StatusWriter::fail(const char* what) {
    base::log::write(base::msg::status_file_failed, "status file {} {}: {}", path_, what,
                     std::strerror(errno));
    file_.reset();
    ::unlink(temporary().c_str());
    return false;
}

void StatusWriter::discard() {
    if (!file_) return;
    file_.reset();
    ::unlink(temporary().c_str());
}

StatusPlace status_place(const conf::Config& config) {
    return {config.status_file.path,
            config.udpserver.max_sessions * max_bytes_per_session + max_bytes_beside};
}

bool send_place(int sender, const StatusPlace& place) {
    std::string packet(1, status_packets::place);
    packet.append(reinterpret_cast<const char*>(&place.max_bytes), sizeof place.max_bytes);
    packet += place.path;
    return ::send(sender, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

namespace {

void write_files(int receiver, StatusPlace place) {
    StatusWriter writer(place.path);
    std::array<char, status_packets::max_piece + 1> buffer;
    while (const std::optional<Packet> packet = receive(receiver, buffer)) {
        const std::string_view rest = packet->text.substr(1);
        const char kind = packet->text.front();
        if (kind == status_packets::place && packet->pid == ::getppid()) {
            place = place_in(rest).value_or(place);
            writer.set_path(place.path);
        } else if (place.path.empty()) {
            continue;
        } else if (kind == status_packets::begin) {
            writer.begin();
        } else if (kind == status_packets::finish) {
            writer.finish();
        } else if (kind == status_packets::piece) {
            writer.size() + rest.size() <= place.max_bytes ? static_cast<void>(writer.put(rest))
                                                           : writer.discard();
        }
    }
}

}  // namespace

std::function<void(int)> status_work(const conf::Config& config) {
    return [place = status_place(config)](int receiver) { write_files(receiver, place); };
}

}  // namespace proxyd
