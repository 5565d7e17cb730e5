#include <fcntl.h>
#include <sys/resource.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>

#include "libudpserver/ipc/channel.hpp"
#include "libudpserver/ipc/descriptors.hpp"
#include "tests/unit/libudpserver/ipc/link_fixture.hpp"

using namespace ipc;

namespace {

constexpr std::array packet{std::byte{1}, std::byte{2}, std::byte{3}};

std::vector<int> copies_of_stdin(std::size_t count) {
    return std::vector<int>(count, STDIN_FILENO);
}

// Lowers the limit of open files for a scope, to `spare` more than are open.
struct FewFiles {
    rlimit before{};
    explicit FewFiles(int spare) {
        ::getrlimit(RLIMIT_NOFILE, &before);
        rlimit low = before;
        low.rlim_cur = static_cast<rlim_t>(highest() + 1 + spare);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    }
    ~FewFiles() { ::setrlimit(RLIMIT_NOFILE, &before); }
    // The lowest number from which on all are free.
    static int highest() {
        int top = 0;
        for (int fd = 0; fd < 1024; ++fd)
            if (::fcntl(fd, F_GETFD) >= 0) top = fd;
        // Fill the holes, so that the limit is what counts.
        for (int fd = ::dup(0); fd >= 0 && fd < top; fd = ::dup(0)) {
        }
        return top + 1;
    }
};

}  // namespace

TEST_CASE("a packet arrives whole, and an empty link says so") {
    auto [a, b] = link_pair();
    std::array<std::byte, 16> buffer;
    CHECK(receive_packet(b.get(), buffer).error == EAGAIN);
    REQUIRE(send_packet(a.get(), packet, {}) == 0);
    const auto got = receive_packet(b.get(), buffer);
    CHECK(got.error == 0);
    CHECK(got.size == 3);
    CHECK_FALSE(got.truncated);
    CHECK_FALSE(got.descriptors_lost);
    CHECK(got.descriptors.empty());
    CHECK(std::memcmp(buffer.data(), packet.data(), packet.size()) == 0);
}

TEST_CASE("descriptors arrive close-on-exec and refer to the same file") {
    auto [a, b] = link_pair();
    auto [c, d] = link_pair();
    const int fd = c.get();
    REQUIRE(send_packet(a.get(), packet, std::span(&fd, 1)) == 0);
    std::array<std::byte, 16> buffer;
    auto got = receive_packet(b.get(), buffer);
    REQUIRE(got.descriptors.size() == 1);
    CHECK(got.descriptors[0].get() != fd);
    CHECK((::fcntl(got.descriptors[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
    REQUIRE(send_packet(got.descriptors[0].get(), packet, {}) == 0);
    CHECK(receive_packet(d.get(), buffer).size == 3);
}

TEST_CASE("as many descriptors as allowed pass, one more is refused") {
    auto [a, b] = link_pair();
    std::array<std::byte, 16> buffer;
    CHECK(send_packet(a.get(), packet, copies_of_stdin(max_descriptors + 1)) == EMSGSIZE);
    CHECK(receive_packet(b.get(), buffer).error == EAGAIN);
    const int before = open_descriptors();
    {
        REQUIRE(send_packet(a.get(), packet, copies_of_stdin(max_descriptors)) == 0);
        const auto got = receive_packet(b.get(), buffer);
        CHECK(got.descriptors.size() == max_descriptors);
        CHECK_FALSE(got.descriptors_lost);
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("surplus descriptors of a foreign sender are lost, and none leaks") {
    auto [a, b] = link_pair();
    const auto many = copies_of_stdin(max_descriptors + 50);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * (max_descriptors + 50))];
    std::memset(control, 0, sizeof control);
    iovec part{const_cast<std::byte*>(packet.data()), packet.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * many.size());
    std::memcpy(CMSG_DATA(header), many.data(), sizeof(int) * many.size());
    REQUIRE(::sendmsg(a.get(), &message, 0) == 3);

    const int before = open_descriptors();
    std::array<std::byte, 16> buffer;
    const auto got = receive_packet(b.get(), buffer);
    CHECK(got.size == 3);
    CHECK(got.descriptors_lost);
    CHECK(got.descriptors.empty());
    CHECK(open_descriptors() == before);
}

TEST_CASE("a receiver with too many open files learns that descriptors were lost") {
    auto [a, b] = link_pair();
    REQUIRE(send_packet(a.get(), packet, copies_of_stdin(8)) == 0);
    std::array<std::byte, 16> buffer;
    const FewFiles few(3);
    const auto got = receive_packet(b.get(), buffer);
    CHECK(got.size == 3);
    CHECK(got.descriptors_lost);
    CHECK(got.descriptors.empty());
}

TEST_CASE("a packet longer than the buffer is marked") {
    auto [a, b] = link_pair();
    REQUIRE(send_packet(a.get(), packet, {}) == 0);
    std::array<std::byte, 2> buffer;
    CHECK(receive_packet(b.get(), buffer).truncated);
}

TEST_CASE("a dead peer is an end of file for the reader and an error for the writer") {
    auto [a, b] = link_pair();
    a.reset();
    std::array<std::byte, 16> buffer;
    const auto got = receive_packet(b.get(), buffer);
    CHECK(got.error == 0);
    CHECK(got.size == 0);
    CHECK(send_packet(b.get(), packet, {}) == EPIPE);
}
