#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "libudpserver/ipc/messages.hpp"
#include "proxyd/processes.hpp"
#include "tests/support/process_fixture.hpp"

TEST_CASE("ACR reports ready before the names that it knows fill its link") {
    Stage stage;
    auto [parent, child] = ipc::link_pair();
    process::ChildRuntime runtime({"ACR", ipc::Party::acr, ::getppid(), false}, std::move(child),
                                  stage.inbox);

    conf::Config config;
    config.resolver.hosts_file = "none";
    config.resolver.servers = {*base::parse_endpoint("127.0.0.1:9")};
    std::vector<std::string> names;
    for (int number = 0; number < 1000; ++number)
        names.push_back("host" + std::to_string(number) + ".example.test");
    resolvers::NameSnapshot snapshot(names);
    for (const std::string& name : names)
        snapshot.apply({name, false, {*base::parse_address("192.0.2.1")}});

    // The order to stop is there before ACR begins, and nothing reads its link while it runs.
    ipc::Encoder out;
    ipc::encode(out, {static_cast<std::uint16_t>(ipc::Stop::type), 0, 0});
    ipc::Stop{}.encode(out);
    REQUIRE(ipc::send_packet(parent.get(), out.data(), {}) == 0);
    proxyd::Opened opened;
    opened.resolver = config.resolver;
    opened.changes.emplace();
    CHECK(proxyd::acr_main(runtime, config, snapshot, opened) == 0);

    std::array<std::byte, ipc::max_packet> buffer;
    const auto packet = ipc::receive_packet(parent.get(), buffer);
    REQUIRE(packet.error == 0);
    ipc::Decoder first{std::span<const std::byte>(buffer.data(), packet.size)};
    CHECK(ipc::message_type(ipc::decode_header(first).type) == ipc::MessageType::ready);
}
