// NamePublisher and NameSubscriber: ACR's and REG's ends of a link.
#include <sys/socket.h>

#include "resolvers/name_publisher.hpp"
#include "resolvers/name_subscriber.hpp"
#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

ipc::NameUpdate update_of(const std::string& name, std::initializer_list<const char*> addresses) {
    return {name, false, found(addresses).addresses};
}

/// ACR with REG and the parent, which has a snapshot.
struct Link {
    boost::asio::io_context io;
    RememberingSink sink;
    NameSnapshot snapshot;
    ConfiguredNames names;
    std::pair<base::UniqueFd, base::UniqueFd> link = ipc::link_pair();
    ipc::Channel to_parent{io, std::move(link.first), ipc::Party::acr, ipc::Party::parent};
    ipc::Channel parent{io, std::move(link.second), ipc::Party::parent, ipc::Party::acr};
    NamePublisher publisher{io, names, to_parent};
    NameSubscriber subscriber{io, sink};

    explicit Link(const std::vector<std::string>& all = {"a", "b"})
        : snapshot(all), names(snapshot, 1h, base::MonotonicClock::now()) {
        parent.on_message([this](ipc::Message& message) {
            if (const auto update = ipc::read<ipc::NameUpdate>(message)) snapshot.apply(*update);
        });
    }
    /// A look-up of the name has this answer.
    void answer(const std::string& name, const Answer& answer) {
        const auto report = names.on_answer(name, answer, base::MonotonicClock::now(), 0);
        if (report.update) publisher.update(*report.update);
    }

    void connect() {
        auto [acr, reg] = ipc::link_pair();
        publisher.link(std::move(acr));
        subscriber.link(std::move(reg));
    }
    void wait_for(std::size_t count) {
        run_until(io, [&] { return sink.updates.size() >= count; });
        settle(io);
        CHECK(sink.updates.size() == count);
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

std::vector<std::byte> body_of(const ipc::NameUpdate& one) {
    ipc::Encoder body;
    one.encode(body);
    return {body.data().begin(), body.data().end()};
}

}  // namespace

TEST_CASE("updates go over the link in order") {
    Link link;
    link.connect();
    link.answer("a", found({"192.0.2.1", "2001:db8::1"}));
    link.answer("b", not_found(Answer::timed_out));
    link.answer("a", found({}));
    link.wait_for(3);
    CHECK(text_of(link.sink.updates[0]) == "a: 2001:db8::1 192.0.2.1");
    CHECK(text_of(link.sink.updates[1]) == "b: unresolved");
    CHECK(text_of(link.sink.updates[2]) == "a:");
    CHECK(link.subscriber.received() == 3);
    CHECK(link.snapshot.resolved() == std::map<std::string, NameSnapshot::Addresses>{{"a", {}}});
}

TEST_CASE("a new link gets the current update of each name") {
    Link link;
    link.answer("a", found({"192.0.2.1"}));
    link.answer("b", found({"192.0.2.2"}));
    link.answer("a", found({"192.0.2.3"}));
    CHECK(link.publisher.pending() == 2);
    CHECK_FALSE(link.publisher.is_linked());
    link.connect();
    link.wait_for(2);
    CHECK(text_of(link.sink.updates[0]) == "a: 192.0.2.3");
    CHECK(text_of(link.sink.updates[1]) == "b: 192.0.2.2");
    link.connect();  // the next REG
    link.wait_for(4);
    CHECK(text_of(link.sink.updates[2]) == "a: 192.0.2.3");
    CHECK(link.publisher.info() == "names published 2, pending 0, refused 0, links 2, linked to REG");
}

TEST_CASE("without REG updates are pending, without ACR REG keeps its names") {
    Link link;
    link.connect();
    link.answer("a", found({"192.0.2.1"}));
    link.wait_for(1);
    {
        auto [acr, reg] = ipc::link_pair();
        link.subscriber.link(std::move(reg));  // ACR's old link is closed by that, the new one soon
    }
    run_until(link.io, [&] { return !link.publisher.is_linked() && !link.subscriber.is_linked(); });
    link.answer("a", found({"192.0.2.2"}));
    link.answer("b", found({"192.0.2.3"}));
    CHECK(link.publisher.pending() == 2);
    CHECK(link.publisher.info() == "names published 2, pending 2, refused 0, links 1, no link to REG");
    settle(link.io);
    CHECK(link.sink.updates.size() == 1);
    link.connect();
    link.wait_for(3);
}

TEST_CASE("what a slow REG does not accept is pending, and sent in its newest state") {
    std::vector<std::string> names;
    for (int i = 0; i < 5000; ++i)
        names.push_back("n" + std::to_string(i));
    Link link(names);
    auto [acr, reg] = ipc::link_pair();
    link.publisher.link(std::move(acr));
    for (const char* address : {"192.0.2.1", "192.0.2.2"})
        for (const std::string& name : names)
            link.answer(name, found({address}));
    CHECK(link.publisher.pending() > 0);
    CHECK(link.publisher.pending() <= names.size());
    settle(link.io);  // it does not spin either
    CHECK(link.publisher.pending() > 0);
    link.subscriber.link(std::move(reg));
    run_until(link.io, [&] { return link.publisher.pending() == 0; });
    settle(link.io);
    std::map<std::string, std::string> last;
    for (const auto& one : link.sink.updates)
        last[one.name] = text_of(one);
    REQUIRE(last.size() == names.size());
    for (const auto& [name, text] : last)
        CHECK(text == name + ": 192.0.2.2");
    CHECK(link.sink.updates.size() < 2 * names.size());
}

TEST_CASE("a name that is too long for a message is not sent") {
    Link link({std::string(ipc::max_text + 1, 'a'), "b"});
    link.connect();
    link.answer(std::string(ipc::max_text + 1, 'a'), found({"192.0.2.1"}));
    link.answer("b", found({"192.0.2.2"}));
    link.wait_for(1);
    CHECK(text_of(link.sink.updates[0]) == "b: 192.0.2.2");
    CHECK(link.publisher.info() == "names published 2, pending 0, refused 1, links 1, linked to REG");
}

TEST_CASE("REG never sees a part of a list: whatever is cut or wrong closes the link [K-64]") {
    const auto whole = body_of(update_of("name.example", {"192.0.2.1", "192.0.2.2"}));
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        CAPTURE(cut);
        Link link;
        auto [acr, reg] = ipc::link_pair();
        link.subscriber.link(std::move(reg));
        send_raw(acr.get(), ipc::MessageType::name_update, whole, cut);
        if (cut == 0) {
            link.wait_for(1);
            CHECK(link.sink.updates[0].addresses.size() == 2);
        } else {
            run_until(link.io, [&] { return !link.subscriber.is_linked(); });
            CHECK(link.sink.updates.empty());
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
        send_raw(acr.get(), ipc::MessageType::name_update, body);
        run_until(link.io, [&] { return !link.subscriber.is_linked(); });
        CHECK(link.sink.updates.empty());
    }
}

TEST_CASE("ACR killed in the middle of many lists: those that came are whole [K-64]") {
    Link link;
    auto [acr, reg] = ipc::link_pair();
    link.subscriber.link(std::move(reg));
    const auto body = body_of(update_of("a", {"192.0.2.1", "192.0.2.2", "192.0.2.3"}));
    for (int i = 0; i < 20; ++i)
        send_raw(acr.get(), ipc::MessageType::name_update, body);
    send_raw(acr.get(), ipc::MessageType::name_update, body, 30);
    acr.reset();
    run_until(link.io, [&] { return !link.subscriber.is_linked(); });
    CHECK(link.sink.updates.size() == 20);
    for (const auto& one : link.sink.updates)
        CHECK(one.addresses.size() == 3);
}

TEST_CASE("only ACR may send names") {
    Link link;
    auto [acr, reg] = ipc::link_pair();
    link.subscriber.link(std::move(reg));
    send_raw(acr.get(), ipc::MessageType::looked_up, {});
    run_until(link.io, [&] { return !link.subscriber.is_linked(); });
    CHECK(link.sink.updates.empty());
}
