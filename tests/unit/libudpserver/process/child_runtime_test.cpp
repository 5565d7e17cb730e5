#include "libudpserver/process/child_runtime.hpp"

#include <catch2/catch.hpp>

#include "libudpserver/ipc/messages.hpp"
#include "tests/support/process_fixture.hpp"

using namespace process;
using Catch::Matchers::Contains;

namespace {

/// A runtime in this very process; the test holds the parent's end of its link.
struct Room {
    Stage stage;
    base::UniqueFd parent;
    std::unique_ptr<ChildRuntime> runtime;
    int stops = 0, ends = 0;

    explicit Room(pid_t parent_pid = ::getppid()) {
        auto [a, b] = ipc::link_pair();
        parent = std::move(a);
        runtime = std::make_unique<ChildRuntime>(
            ChildRuntime::Origin{"REG", ipc::Party::reg, parent_pid, false}, std::move(b), stage.inbox);
        runtime->on_stop([this] { ++stops; });
        runtime->on_leave([this] { ++ends; });
    }

    template <typename T>
    void send(const T& message, std::span<const int> descriptors = {}) {
        ipc::Encoder out;
        ipc::encode(out, {static_cast<std::uint16_t>(T::type), 0, 0});
        message.encode(out);
        REQUIRE(ipc::send_packet(parent.get(), out.data(), descriptors) == 0);
    }
    /// Tells the child of a new link, returns the other end of it.
    base::UniqueFd send_link(ipc::Party peer) {
        const auto [theirs, other] = ipc::link_pair();
        const int descriptor = theirs.get();
        send(ipc::PeerLink{peer}, std::span(&descriptor, 1));
        return base::UniqueFd(::dup(other.get()));
    }
    /// The next message to the parent, if there is one.
    template <typename T>
    std::optional<T> receive() {
        std::array<std::byte, ipc::max_packet> buffer;
        const auto packet = ipc::receive_packet(parent.get(), buffer);
        if (packet.error != 0 || packet.size == 0) return std::nullopt;
        ipc::Message message;
        message.body = ipc::Decoder(std::span(buffer).first(packet.size));
        message.type = *ipc::message_type(ipc::decode_header(message.body).type);
        return ipc::read<T>(message);
    }
    void turn() {
        runtime->io().restart();
        runtime->io().poll();
    }
    void until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        runtime->io().restart();
        while (!condition() && std::chrono::steady_clock::now() < deadline)
            runtime->io().run_one_for(20ms);
        REQUIRE(condition());
    }
};

}  // namespace

TEST_CASE("ready carries what became of the sessions") {
    Room room;
    room.runtime->report_ready(7, 2);
    const auto ready = room.receive<ipc::Ready>();
    REQUIRE(ready);
    CHECK(ready->adopted == 7);
    CHECK(ready->aborted == 2);
}

TEST_CASE("a child that has no room to report ready exits with the reason") {
    Room room;
    while (room.runtime->parent().send(ipc::LinkLost{ipc::Party::acr}) != ipc::SendResult::busy) {
    }
    CHECK_THROWS_WITH(room.runtime->report_ready(), Contains("cannot report that it is ready"));
}

TEST_CASE("a ping is answered at once, or when the role says so") {
    Room room;
    room.send(ipc::Ping{5});
    room.turn();
    CHECK(room.receive<ipc::Pong>()->sequence == 5);

    ChildRuntime::Reply reply;
    room.runtime->on_ping([&](ChildRuntime::Reply later) { reply = std::move(later); });
    room.send(ipc::Ping{6});
    room.turn();
    REQUIRE(reply);
    CHECK_FALSE(room.receive<ipc::Pong>());
    reply();
    CHECK(room.receive<ipc::Pong>()->sequence == 6);
}

TEST_CASE("stop is reported once, and a stop signal after it adds nothing") {
    Room room;
    room.send(ipc::Stop{});
    room.send(ipc::Stop{});
    room.turn();
    ::kill(::getpid(), SIGTERM);
    room.turn();
    CHECK(room.stops == 1);
    CHECK(room.ends == 0);
}

TEST_CASE("an ending signal ends this process alone while the parent lives, once") {
    Room room;
    ::kill(::getpid(), SIGTERM);
    room.turn();
    ::kill(::getpid(), SIGINT);
    room.turn();
    CHECK(room.ends == 1);
    CHECK(room.stops == 0);
    room.send(ipc::Stop{});
    room.turn();
    CHECK(room.stops == 1);
}

TEST_CASE("an ending signal after the parent's death is a stop [K-8]") {
    Room room(1);  // not the parent of this process
    ::kill(::getpid(), SIGTERM);
    room.turn();
    CHECK(room.stops == 1);
    CHECK(room.ends == 0);
}

TEST_CASE("the end of the link is a stop when the parent is dead [K-8]") {
    Room room(1);
    room.parent.reset();
    room.until([&] { return room.stops == 1; });
    CHECK(room.ends == 0);
}

TEST_CASE("a link that a living parent closed ends this process alone") {
    Room room;
    room.parent.reset();
    room.until([&] { return room.ends == 1; });
    CHECK(room.stops == 0);
}

TEST_CASE("without callbacks the process finishes at once, and says whether work is left [E-11]") {
    Room room;
    room.runtime->on_stop(nullptr);
    room.send(ipc::Stop{});
    CHECK(room.runtime->run() == 0);
    Room other;
    other.runtime->on_leave(nullptr);
    ::kill(::getpid(), SIGTERM);
    CHECK(other.runtime->run() == work_left);
}

TEST_CASE("run gives the status of finish, also of one before it") {
    Room room;
    room.runtime->finish(7);
    CHECK(room.runtime->run() == 7);
}

TEST_CASE("malformed messages of the parent close the link") {
    Room room;
    ipc::Encoder out;
    ipc::encode(out, {static_cast<std::uint16_t>(ipc::MessageType::ping), 0, 0});
    REQUIRE(ipc::send_packet(room.parent.get(), out.data(), {}) == 0);
    room.turn();
    CHECK_FALSE(room.runtime->parent().open());
    CHECK_THAT(room.stage.log(), Contains("UDPS-310-E") && Contains("malformed ping"));

    Room other;
    ipc::Encoder stop;
    ipc::encode(stop, {static_cast<std::uint16_t>(ipc::MessageType::stop), 0, 0});
    stop.u8(1);
    REQUIRE(ipc::send_packet(other.parent.get(), stop.data(), {}) == 0);
    other.turn();
    CHECK(other.stops == 0);
    CHECK_FALSE(other.runtime->parent().open());
}

TEST_CASE("other messages reach their handler, and are dropped without one") {
    Room room;
    room.send(ipc::PoolSockets{1, 0, 5, 0, EMFILE});
    room.turn();
    CHECK(room.runtime->parent().open());
    std::uint32_t index = 0;
    room.runtime->on(ipc::MessageType::pool_sockets, [&](ipc::Message& message) {
        index = ipc::read<ipc::PoolSockets>(message)->first_index;
    });
    room.send(ipc::PoolSockets{1, 0, 5, 0, EMFILE});
    room.turn();
    CHECK(index == 5);
}

TEST_CASE("each new link to a peer comes to who asked for it") {
    Room room;
    std::vector<base::UniqueFd> acr, apr;
    room.runtime->on_peer(ipc::Party::acr, [&](base::UniqueFd link) { acr.push_back(std::move(link)); });
    room.runtime->on_peer(ipc::Party::apr, [&](base::UniqueFd link) { apr.push_back(std::move(link)); });
    for (std::size_t links = 1; links <= 2; ++links) {
        const auto other_end = room.send_link(ipc::Party::acr);
        room.turn();
        REQUIRE(acr.size() == links);
        CHECK((::fcntl(acr.back().get(), F_GETFD) & FD_CLOEXEC) != 0);
        REQUIRE(::send(other_end.get(), "hello", 5, MSG_NOSIGNAL) == 5);
        char text[8];
        CHECK(::recv(acr.back().get(), text, sizeof text, MSG_DONTWAIT) == 5);
    }
    CHECK(apr.empty());
}

TEST_CASE("a link that was not requested is closed") {
    Room room;
    room.runtime->on_peer(ipc::Party::acr, [](base::UniqueFd) { FAIL("of another peer"); });
    const auto other_end = room.send_link(ipc::Party::apr);
    room.turn();
    CHECK(::send(other_end.get(), "x", 1, MSG_NOSIGNAL) == -1);
    CHECK(errno == EPIPE);
    CHECK(room.runtime->parent().open());
    CHECK_THAT(room.stage.log(), Contains("unexpected link to APR"));
}

TEST_CASE("a link that could not be received is reported, and the next one is taken") {
    Room room;
    std::vector<base::UniqueFd> links;
    room.runtime->on_peer(ipc::Party::acr, [&](base::UniqueFd link) { links.push_back(std::move(link)); });
    const auto lost = room.send_link(ipc::Party::acr);
    {
        const NoMoreDescriptors full;
        room.turn();
    }
    CHECK(links.empty());
    CHECK(room.runtime->parent().open());
    CHECK_THAT(room.stage.log(),
               Contains("UDPS-313-W") && Contains("REG: the new link to ACR could not be received"));
    CHECK(::send(lost.get(), "x", 1, MSG_NOSIGNAL) == -1);
    const auto other_end = room.send_link(ipc::Party::acr);
    room.turn();
    CHECK(links.size() == 1);
}

TEST_CASE("a malformed link closes the parent's") {
    Room room;
    room.runtime->on_peer(ipc::Party::acr, [](base::UniqueFd) { FAIL("there is none"); });
    room.send(ipc::PeerLink{ipc::Party::acr});  // without a descriptor
    room.turn();
    CHECK_FALSE(room.runtime->parent().open());
    CHECK_THAT(room.stage.log(), Contains("UDPS-310-E") && Contains("malformed peer-link"));
}
