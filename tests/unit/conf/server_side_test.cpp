#include <catch2/catch.hpp>

#include "tests/unit/conf/text_config.hpp"

namespace {

conf::LoadResult load_side(const std::string& keys, const std::string& head = "name: t") {
    TextConfig text;
    text.head = head;
    text.udpserver = "udpserver: {max-sessions: 10, " + keys + "}";
    return load(text);
}

std::string problems(const conf::LoadResult& result) {
    std::string text;
    for (const std::vector<conf::Error>& list : {result.errors, result.warnings})
        for (const conf::Error& error : list)
            text += to_string(error, "t.yaml") + "\n";
    return text;
}

}  // namespace

TEST_CASE("the server side is own or shared") {
    CHECK(load_side("quarantine: 1s").config.udpserver.server_side == conf::ServerSide::own);
    const conf::UdpServer shared = load_side("server-side: shared").config.udpserver;
    CHECK(shared.server_side == conf::ServerSide::shared);
    CHECK(shared.server_ports == conf::PortRange{10240, 32767});
    CHECK(load_side("server-side: shared, server-ports: 2000-2999").config.udpserver.server_ports ==
          conf::PortRange{2000, 2999});
    CHECK(problems(load_side("server-side: shared")) == "");
    CHECK(problems(load_side("server-side: share")).find("shared") != std::string::npos);
    CHECK(!load_side("server-side: shared, server-ports: 0").errors.empty());
}

TEST_CASE("a shared server side needs the sandbox, and enough ports of its own [S-9]") {
    const auto text = [](const std::string& keys, const std::string& head = "name: t") {
        return problems(load_side(keys, head));
    };
    CHECK(text("server-side: shared", "name: t\nsandbox: off").find("shared needs the sandbox") !=
          std::string::npos);
    CHECK(text("server-side: shared", "name: t\nsandbox: off\nsingleproc: true") == "");
    CHECK(text("server-side: own", "name: t\nsandbox: off") == "");
    CHECK(text("server-side: shared, server-ports: 2000-2008").find("has 9 ports, fewer than max-sessions") !=
          std::string::npos);
    CHECK(text("server-side: shared, server-ports: 2000-2009") == "");
    CHECK(text("server-side: shared, server-ports: 32000-32800").find("ephemeral") != std::string::npos);
    CHECK(text("server-ports: 2000-2999").find("no effect without server-side: shared") != std::string::npos);
}

TEST_CASE("auto needs nothing: it takes what there is [S-12]") {
    CHECK(problems(load_side("server-side: auto")) == "");
    CHECK(problems(load_side("server-side: auto", "name: t\nsandbox: off")) == "");
    CHECK(load_side("server-side: auto").config.udpserver.server_side == conf::ServerSide::automatic);
}
