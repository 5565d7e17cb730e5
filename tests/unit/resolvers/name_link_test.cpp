// NamePublisher and NameSubscriber: ACR's and REG's ends of a link.
#include <sys/socket.h>

#include "resolvers/name_publisher.hpp"
#include "resolvers/name_subscriber.hpp"
#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

ipc::NameNews news(const std::string& name, std::initializer_list<const char*> addresses) {
    return {name, false, found(addresses).addresses};
}

struct Link {
    boost::asio::io_context io;
    RememberingSink sink;
    NamePublisher publisher{io};
    NameSubscriber subscriber{io, sink};

    void connect() {
        auto [acr, reg] = ipc::link_pair();
        publisher.link(std::move(acr));
        subscriber.link(std::move(reg));
    }
    void wait_for(std::size_t count) {
        run_until(io, [&] { return sink.news.size() >= count; });
        settle(io);
        CHECK(sink.news.size() == count);
    }
};

/// A packet as it is, without Channel's care.
void send_raw(int fd, ipc::MessageType type, std::vector<std::byte> body, std::size_t cut = 0) {
    ipc::Encoder header;
    ipc::encode(header, ipc::Header{static_cast<std::uint16_t>(type), 0, 0});
    std::vector<std::byte> packet(header.data().begin(), header.data().end());
    packet.insert(packet.end(), body.begin(), body.end());
    packet.resize(packet.size() - cut);
    REQUIRE(::send(fd, packet.data(), packet.size(), 0) == static_cast<ssize_t>(packet.size()));
}

std::vector<std::byte> body_of(const ipc::NameNews& one) {
    ipc::Encoder body;
    one.encode(body);
    return {body.data().begin(), body.data().end()};
}

}  // namespace

TEST_CASE("news go over the link as they are, in order") {
    Link link;
    link.connect();
    link.publisher.tell(news("a", {"192.0.2.1", "2001:db8::1"}));
    link.publisher.tell({"b", true, {}});
    link.publisher.tell(news("a", {}));
    link.wait_for(3);
    CHECK(text_of(link.sink.news[0]) == "a: 192.0.2.1 2001:db8::1");
    CHECK(text_of(link.sink.news[1]) == "b: unresolved");
    CHECK(text_of(link.sink.news[2]) == "a:");
    CHECK(link.subscriber.received() == 3);
}

TEST_CASE("a new link is told everything first, in its newest state") {
    Link link;
    link.publisher.tell(news("a", {"192.0.2.1"}));
    link.publisher.tell(news("b", {"192.0.2.2"}));
    link.publisher.tell(news("a", {"192.0.2.3"}));
    CHECK(link.publisher.owed() == 2);
    CHECK_FALSE(link.publisher.linked());
    link.connect();
    link.wait_for(2);
    CHECK(text_of(link.sink.news[0]) == "a: 192.0.2.3");
    CHECK(text_of(link.sink.news[1]) == "b: 192.0.2.2");
    link.connect();  // the next REG
    link.wait_for(4);
    CHECK(text_of(link.sink.news[2]) == "a: 192.0.2.3");
    CHECK(link.publisher.info() == "names told 2, owed 0, refused 0, links 2, linked to REG");
}

TEST_CASE("without REG news are kept, REG keeps its own without ACR") {
    Link link;
    link.connect();
    link.publisher.tell(news("a", {"192.0.2.1"}));
    link.wait_for(1);
    {
        auto [acr, reg] = ipc::link_pair();
        link.subscriber.link(std::move(reg));  // ACR's old link is closed by that, the new one soon
    }
    run_until(link.io, [&] { return !link.publisher.linked() && !link.subscriber.linked(); });
    link.publisher.tell(news("a", {"192.0.2.2"}));
    link.publisher.tell(news("b", {"192.0.2.3"}));
    CHECK(link.publisher.owed() == 2);
    CHECK(link.publisher.info() == "names told 2, owed 2, refused 0, links 1, no link to REG");
    settle(link.io);
    CHECK(link.sink.news.size() == 1);
    link.connect();
    link.wait_for(3);
}

TEST_CASE("what a slow REG does not take is owed, and sent in its newest state") {
    Link link;
    auto [acr, reg] = ipc::link_pair();
    link.publisher.link(std::move(acr));
    constexpr int names = 5000;
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < names; ++i)
            link.publisher.tell(news("n" + std::to_string(i), {round == 0 ? "192.0.2.1" : "192.0.2.2"}));
    CHECK(link.publisher.owed() > 0);
    CHECK(link.publisher.owed() <= names);
    settle(link.io);  // it does not spin either
    CHECK(link.publisher.owed() > 0);
    link.subscriber.link(std::move(reg));
    run_until(link.io, [&] { return link.publisher.owed() == 0; });
    settle(link.io);
    std::map<std::string, std::string> last;
    for (const auto& one : link.sink.news)
        last[one.name] = text_of(one);
    REQUIRE(last.size() == names);
    for (const auto& [name, text] : last)
        CHECK(text == name + ": 192.0.2.2");
    CHECK(link.sink.news.size() < 2 * names);
}

TEST_CASE("a list that is too long for a message is not sent at all [K-64]") {
    Link link;
    link.connect();
    ipc::NameNews long_one{"a", false,
                           std::vector<base::Address>(ipc::max_results + 1, address_of("192.0.2.1"))};
    link.publisher.tell(long_one);
    link.publisher.tell(news("b", {"192.0.2.2"}));
    link.wait_for(1);
    CHECK(text_of(link.sink.news[0]) == "b: 192.0.2.2");
    CHECK(link.publisher.info() == "names told 2, owed 0, refused 1, links 1, linked to REG");
}

TEST_CASE("REG never sees a part of a list: whatever is cut or wrong closes the link [K-64]") {
    const auto whole = body_of(news("name.example", {"192.0.2.1", "192.0.2.2"}));
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        CAPTURE(cut);
        Link link;
        auto [acr, reg] = ipc::link_pair();
        link.subscriber.link(std::move(reg));
        send_raw(acr.get(), ipc::MessageType::name_news, whole, cut);
        if (cut == 0) {
            link.wait_for(1);
            CHECK(link.sink.news[0].addresses.size() == 2);
        } else {
            run_until(link.io, [&] { return !link.subscriber.linked(); });
            CHECK(link.sink.news.empty());
        }
    }
    auto longer = whole;
    longer.push_back(std::byte{0});
    auto unresolved = whole;
    unresolved.at(2 + std::string("name.example").size()) = std::byte{1};  // and addresses
    for (const auto& body : {longer, unresolved}) {
        Link link;
        auto [acr, reg] = ipc::link_pair();
        link.subscriber.link(std::move(reg));
        send_raw(acr.get(), ipc::MessageType::name_news, body);
        run_until(link.io, [&] { return !link.subscriber.linked(); });
        CHECK(link.sink.news.empty());
    }
}

TEST_CASE("ACR killed in the middle of many lists: those that came are whole [K-64]") {
    Link link;
    auto [acr, reg] = ipc::link_pair();
    link.subscriber.link(std::move(reg));
    const auto body = body_of(news("a", {"192.0.2.1", "192.0.2.2", "192.0.2.3"}));
    for (int i = 0; i < 20; ++i)
        send_raw(acr.get(), ipc::MessageType::name_news, body);
    send_raw(acr.get(), ipc::MessageType::name_news, body, 30);
    acr.reset();
    run_until(link.io, [&] { return !link.subscriber.linked(); });
    CHECK(link.sink.news.size() == 20);
    for (const auto& one : link.sink.news)
        CHECK(one.addresses.size() == 3);
}

TEST_CASE("nobody but ACR may tell names") {
    Link link;
    auto [acr, reg] = ipc::link_pair();
    link.subscriber.link(std::move(reg));
    send_raw(acr.get(), ipc::MessageType::looked_up, {});
    run_until(link.io, [&] { return !link.subscriber.linked(); });
    CHECK(link.sink.news.empty());
}
