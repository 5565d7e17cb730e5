#include "libudpserver/net/steering.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/udp_socket.hpp"
#include "tests/unit/libudpserver/net/loopback.hpp"

namespace {

conf::Config listening(const char* address, std::uint16_t port, unsigned workers) {
    conf::Config config;
    config.udpserver.workers = workers;
    config.listen_on = {{*base::parse_address(address), {port, port}}};
    return config;
}

/// Clients with sockets of their own, and who read what each of them sent.
class Clients {
public:
    Clients(const char* address, std::size_t count) {
        const base::Endpoint local(*base::parse_address(address), 0);
        for (std::size_t i = 0; i < count; ++i) {
            sockets_.push_back(net::make_udp_socket(local.family, "client"));
            net::bind_socket(sockets_.back().get(), local, "client");
        }
    }

    void send(const base::Endpoint& to) const {
        sockaddr_storage address{};
        const socklen_t length = base::to_sockaddr(to, address);
        for (const base::UniqueFd& socket : sockets_)
            REQUIRE(::sendto(socket.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&address), length) == 1);
    }

    /// The datagrams at each worker's socket, and how many of them are not its own by `steering`.
    struct Got {
        std::vector<std::size_t> by_worker;
        std::size_t wrong = 0;
    };
    static Got read(net::ListenerSet& set, unsigned sockets, unsigned workers) {
        Got got;
        for (unsigned worker = 0; worker < sockets; ++worker) {
            net::Listener& socket = worker < set.workers() ? set.at(0, worker) : *set.leftover(0, worker);
            std::size_t count = 0;
            net::ReceiveBatch batch(64);
            for (auto datagrams = socket.read(batch, 32).datagrams; !datagrams.empty();
                 datagrams = socket.read(batch, 32).datagrams) {
                count += datagrams.size();
                for (const net::Datagram& datagram : datagrams)
                    got.wrong += set.steering().worker_of(datagram.from, workers) != worker ? 1 : 0;
                batch.clear();
            }
            got.by_worker.push_back(count);
        }
        return got;
    }

    [[nodiscard]] std::size_t size() const { return sockets_.size(); }

private:
    std::vector<base::UniqueFd> sockets_;
};

constexpr std::size_t many = 200;

}  // namespace

TEST_CASE("the kernel gives each worker the clients that the rule says") {
    const char* const address = GENERATE("127.0.0.1", "::1");
    net::ListenerSet set(listening(address, 0, 3));
    const Clients clients(address, many);
    clients.send(set.local(0));
    const Clients::Got got = Clients::read(set, 3, 3);
    CHECK(got.wrong == 0);
    for (const std::size_t count : got.by_worker)
        CHECK(count > many / 6);  // about a third each
    CHECK(got.by_worker[0] + got.by_worker[1] + got.by_worker[2] == many);
}

TEST_CASE("until the workers of before have gone clients are steered as before, then to the new number") {
    net::ListenerSet set(listening("127.0.0.1", 23120, 1));
    const Clients clients("127.0.0.1", many);
    net::ListenerSet::Change change = set.prepare(listening("127.0.0.1", 23120, 2));
    clients.send(set.local(0));
    set.apply(std::move(change));
    clients.send(set.local(0));
    CHECK(Clients::read(set, 2, 1).by_worker == std::vector<std::size_t>{2 * many, 0});
    set.steer();
    clients.send(set.local(0));
    const Clients::Got got = Clients::read(set, 2, 2);
    CHECK(got.wrong == 0);
    CHECK(got.by_worker[1] > many / 4);
}

TEST_CASE("what waits in the sockets of workers that go is there until they are closed") {
    net::ListenerSet set(listening("127.0.0.1", 23121, 3));
    const Clients clients("127.0.0.1", many);
    clients.send(set.local(0));
    set.apply(set.prepare(listening("127.0.0.1", 23121, 1)));
    set.steer();
    CHECK(set.workers() == 1);
    CHECK(set.leftovers() == 2);
    CHECK(set.descriptors().size() == 3);
    clients.send(set.local(0));
    const Clients::Got got = Clients::read(set, 3, 1);
    CHECK(got.by_worker[0] + got.by_worker[1] + got.by_worker[2] == 2 * many);
    CHECK(got.by_worker[0] > many);
    CHECK(got.by_worker[2] > many / 6);
    set.close_leftovers();
    CHECK(set.leftovers() == 0);
    CHECK(set.descriptors().size() == 1);
    CHECK(set.leftover(0, 1) == nullptr);
    clients.send(set.local(0));
    CHECK(Clients::read(set, 1, 1).by_worker[0] == many);
}

TEST_CASE("sockets that are left over serve again when the workers come back, in their order") {
    net::ListenerSet set(listening("127.0.0.1", 23122, 3));
    const int third = set.at(0, 2).descriptor();
    set.apply(set.prepare(listening("127.0.0.1", 23122, 1)));
    set.apply(set.prepare(listening("127.0.0.1", 23122, 4)));
    set.steer();
    CHECK(set.leftovers() == 0);
    CHECK(set.at(0, 2).descriptor() == third);
    const Clients clients("127.0.0.1", many);
    clients.send(set.local(0));
    const Clients::Got got = Clients::read(set, 4, 4);
    CHECK(got.wrong == 0);
    CHECK(*std::ranges::min_element(got.by_worker) > many / 10);
}

TEST_CASE("which worker is it depends on the seed, on the address and on the port") {
    const net::Steering one(1), other(2);
    std::size_t differ = 0, by_port = 0, by_address = 0;
    for (std::uint16_t port = 1; port <= 1000; ++port) {
        const base::Endpoint client(*base::parse_address("192.0.2.1"), port);
        differ += one.worker_of(client, 4) != other.worker_of(client, 4) ? 1 : 0;
        by_port += one.worker_of(client, 4) == 0 ? 1 : 0;
        base::Endpoint neighbour(*base::parse_address("192.0.2.1"), 5060);
        neighbour.bytes[2] = static_cast<std::uint8_t>(port >> 8);
        neighbour.bytes[3] = static_cast<std::uint8_t>(port);
        by_address += one.worker_of(neighbour, 4) == 0 ? 1 : 0;
    }
    CHECK(differ > 600);
    CHECK(by_port > 150);
    CHECK(by_port < 350);
    CHECK(by_address > 150);
    CHECK(by_address < 350);
}
