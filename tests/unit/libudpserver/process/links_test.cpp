#include "libudpserver/process/links.hpp"

#include <catch2/catch.hpp>

#include "libudpserver/ipc/messages.hpp"
#include "tests/support/process_fixture.hpp"

using namespace process;
using Catch::Matchers::Contains;
using ipc::Party;

namespace {

/// What the linked children tell the test. An exchange is a question of REG and the answer to it.
struct Talk {
    std::atomic<int> exchanges, reg_links, apr_links, acr_links, lost, reg_descriptors, apr_descriptors, gate;
};

/// REG asks APR as soon as it has a link to it; ACR only counts its links.
struct LinkStage : Stage {
    Talk* talk = static_cast<Talk*>(
        ::mmap(nullptr, sizeof(Talk), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

    LinkStage() { settings.link_retry_delay = 20ms; }
    ~LinkStage() { ::munmap(talk, sizeof(Talk)); }

    Role reg_role() {
        return role([talk = talk](ChildRuntime& runtime, Board&) {
            std::unique_ptr<ipc::Channel> apr;
            runtime.on_peer(Party::apr, [&](base::UniqueFd link) {
                ++talk->reg_links;
                apr = std::make_unique<ipc::Channel>(runtime.io(), std::move(link), Party::reg, Party::apr);
                apr->on_message([&](ipc::Message& message) {
                    if (!ipc::read<ipc::LookupReply>(message)) return;
                    talk->reg_descriptors = count_descriptors();
                    ++talk->exchanges;
                });
                apr->send(ipc::LookupRequest{"www.example.com", {}, {}}, 1);
            });
            runtime.on_peer(Party::acr, [](base::UniqueFd) {});
            runtime.report_ready();
            return runtime.run();
        });
    }

    Role apr_role() {
        auto made = role(
            [talk = talk](ChildRuntime& runtime, Board&) {
                std::unique_ptr<ipc::Channel> reg;
                runtime.on_peer(Party::reg, [&](base::UniqueFd link) {
                    ++talk->apr_links;
                    reg =
                        std::make_unique<ipc::Channel>(runtime.io(), std::move(link), Party::apr, Party::reg);
                    reg->on_message([&](ipc::Message& message) {
                        if (!ipc::read<ipc::LookupRequest>(message)) return;
                        talk->apr_descriptors = count_descriptors();
                        reg->send(ipc::LookupReply{}, message.id);
                    });
                    reg->on_closed([&](const std::string&) { ++talk->lost; });
                });
                while (talk->gate > 0)
                    ::usleep(1000);
                runtime.report_ready();
                return runtime.run();
            },
            Party::apr);
        return made;
    }

    Role acr_role() {
        return role(
            [talk = talk](ChildRuntime& runtime, Board&) {
                runtime.on_peer(Party::reg, [&](base::UniqueFd) { ++talk->acr_links; });
                runtime.report_ready();
                return runtime.run();
            },
            Party::acr);
    }

    Supervisor& make_linked() {
        auto& made = make();
        made.link(Party::apr, Party::reg);
        made.add_role(apr_role());
        made.add_role(reg_role());
        return made;
    }

    Child& child(Party party) { return *supervisor->find(party); }
    void kill(Party party) { ::kill(child(party).status().pid, SIGKILL); }
    void until_exchanges(int count) {
        until([&] { return talk->exchanges >= count; });
    }
    void until_restarted(Party party, unsigned restarts) {
        until([&] {
            return child(party).status().restarts == restarts &&
                   child(party).status().state == ChildState::up;
        });
    }
};

// Sends until the queue is full.
void fill(Child& child) {
    while (child.send(ipc::Ping{0}) != ipc::SendResult::busy) {
    }
}

}  // namespace

TEST_CASE("two linked children are linked when both are ready, and talk") {
    LinkStage stage;
    stage.make_linked().start();
    stage.until_exchanges(1);
    CHECK(stage.talk->reg_links == 1);
    CHECK(stage.talk->apr_links == 1);
    CHECK_THAT(stage.log(), Contains("APR and REG: a new link"));
}

TEST_CASE("after either end is killed a new link is made, and no descriptor is left over [K-4]") {
    const auto killed = GENERATE(std::vector{Party::reg}, std::vector{Party::apr},
                                 std::vector{Party::reg, Party::apr}, std::vector{Party::apr, Party::reg});
    LinkStage stage;
    stage.make_linked().start();
    stage.until_exchanges(1);
    const int ours = count_descriptors();
    const int regs = stage.talk->reg_descriptors, aprs = stage.talk->apr_descriptors;
    for (unsigned round = 1; round <= 3; ++round) {
        const int before = stage.talk->exchanges;
        for (Party party : killed)
            stage.kill(party);
        for (Party party : killed)
            stage.until_restarted(party, round);
        stage.until_exchanges(before + 1);
        CHECK(count_descriptors() == ours);
        CHECK(stage.talk->reg_descriptors == regs);
        CHECK(stage.talk->apr_descriptors == aprs);
    }
}

TEST_CASE("a link dies with its peer: the parent holds no end of it") {
    LinkStage stage;
    auto& supervisor = stage.make();
    supervisor.link(Party::reg, Party::apr);
    auto reg = stage.reg_role();
    reg.speed = {60s, 60s, 60s};
    supervisor.add_role(std::move(reg));
    supervisor.add_role(stage.apr_role());
    supervisor.start();
    stage.until_exchanges(1);
    stage.kill(Party::reg);
    stage.until([&] { return stage.talk->lost == 1; });
    CHECK(stage.talk->apr_links == 1);
}

TEST_CASE("a child that closes its link to a living one gets another") {
    LinkStage stage;
    auto& supervisor = stage.make();
    supervisor.link(Party::acr, Party::reg);
    supervisor.add_role(stage.acr_role());
    supervisor.add_role(stage.role([talk = stage.talk](ChildRuntime& runtime, Board&) {
        runtime.on_peer(Party::acr, [&](base::UniqueFd) {
            if (++talk->reg_links == 1) runtime.report_lost(Party::acr);
        });
        runtime.report_ready();
        return runtime.run();
    }));
    supervisor.start();
    stage.until([&] { return stage.talk->reg_links == 2 && stage.talk->acr_links == 2; });
    CHECK(stage.child(Party::acr).status().restarts == 0);
}

TEST_CASE("a child that is ready while the other one is down is linked when that one is up") {
    LinkStage stage;
    stage.make_linked().start();
    stage.until_exchanges(1);
    stage.talk->gate = 1;
    stage.kill(Party::apr);
    stage.until([&] { return stage.child(Party::apr).status().restarts == 1; });
    stage.kill(Party::reg);
    stage.until_restarted(Party::reg, 1);
    CHECK(stage.child(Party::apr).status().state == ChildState::starting);
    CHECK(stage.talk->reg_links == 1);
    stage.talk->gate = 0;
    stage.until_exchanges(2);
    CHECK(stage.talk->reg_links == 2);
    CHECK(stage.talk->apr_links == 2);
}

TEST_CASE("the death of a child concerns only its own links") {
    LinkStage stage;
    auto& supervisor = stage.make_linked();
    supervisor.link(Party::acr, Party::reg);
    supervisor.add_role(stage.acr_role());
    supervisor.start();
    stage.until_exchanges(1);
    stage.until([&] { return stage.talk->acr_links == 1; });
    stage.kill(Party::acr);
    stage.until([&] { return stage.talk->acr_links == 2; });
    CHECK(stage.talk->reg_links == 1);
    CHECK(stage.talk->apr_links == 1);
    CHECK(stage.talk->exchanges == 1);
    CHECK(stage.talk->lost == 0);
}

TEST_CASE("a pair that is linked twice has one link, one whose role never comes has none") {
    LinkStage stage;
    auto& supervisor = stage.make_linked();
    supervisor.link(Party::reg, Party::apr);
    supervisor.link(Party::apr, Party::reg);
    supervisor.link(Party::acr, Party::reg);
    supervisor.start();
    stage.until_exchanges(1);
    CHECK(count_of(stage.log(), "a new link") == 1);
    stage.kill(Party::reg);
    stage.until_exchanges(2);
    CHECK(count_of(stage.log(), "a new link") == 2);
}

TEST_CASE("a link that cannot be created is retried after a delay, and the supervisor keeps running") {
    LinkStage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.reg_role());
    supervisor.add_role(stage.apr_role());
    supervisor.start();
    stage.until_ready();
    const int ours = count_descriptors();
    {
        const NoMoreDescriptors full;
        supervisor.link(Party::reg, Party::apr);
    }
    stage.until_exchanges(1);
    CHECK(count_descriptors() == ours);
    CHECK_THAT(stage.log(), Contains("UDPS-313-W") &&
                                Contains("REG and APR: cannot be linked: socketpair: Too many open files"));
    CHECK(stage.child(Party::reg).status().restarts == 0);
    CHECK(stage.child(Party::apr).status().restarts == 0);
}

TEST_CASE("a link that cannot be made is tried again when any child becomes ready") {
    LinkStage stage;
    stage.settings.link_retry_delay = 600s;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.reg_role());
    supervisor.add_role(stage.apr_role());
    supervisor.add_role(stage.acr_role());
    supervisor.start();
    stage.until_ready();
    {
        const NoMoreDescriptors full;
        supervisor.link(Party::reg, Party::apr);
    }
    CHECK(stage.talk->reg_links == 0);
    stage.kill(Party::acr);
    stage.until_exchanges(1);
    CHECK(stage.talk->reg_links == 1);
}

TEST_CASE("a child whose queue is full gets its link when it reads again") {
    const auto slow = GENERATE(Party::reg, Party::apr);
    LinkStage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.reg_role());
    supervisor.add_role(stage.apr_role());
    supervisor.start();
    stage.until_ready();
    const int ours = count_descriptors();
    stage.child(slow).signal(SIGSTOP);
    fill(stage.child(slow));
    supervisor.link(Party::reg, Party::apr);
    CHECK_THAT(stage.log(), Contains("UDPS-311-W"));
    CHECK(count_descriptors() == ours);
    stage.child(slow).signal(SIGCONT);
    stage.until_exchanges(1);
    stage.until([&] { return stage.child(slow).link()->queued() == 0; });
    CHECK(count_descriptors() == ours);
}

TEST_CASE("a link on its way to a child that dies is no concern of the supervisor") {
    LinkStage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.reg_role());
    supervisor.add_role(stage.apr_role());
    supervisor.start();
    stage.until_ready();
    const int ours = count_descriptors();
    stage.child(Party::apr).signal(SIGSTOP);
    fill(stage.child(Party::apr));
    supervisor.link(Party::reg, Party::apr);
    stage.kill(Party::apr);
    stage.until_exchanges(1);
    stage.until_restarted(Party::apr, 1);
    CHECK(count_descriptors() == ours);
    CHECK(stage.child(Party::reg).status().restarts == 0);
}

TEST_CASE("the proxy stops in order while links are being made [K-7]") {
    LinkStage stage;
    auto& supervisor = stage.make_linked();
    // The links were sent a moment ago and cannot have been read.
    supervisor.on_all_ready([&] { supervisor.stop(); });
    supervisor.start();
    stage.until_finished();
    CHECK(supervisor.exit_status() == 0);
    CHECK(count_of(stage.log(), "UDPS-223-K") == 2);
    CHECK(count_of(stage.log(), "UDPS-222-E") == 0);
}

TEST_CASE("the proxy stops in order while a link waits for another try, and tries no more [K-7]") {
    LinkStage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.reg_role());
    supervisor.add_role(stage.apr_role());
    supervisor.start();
    stage.until_ready();
    {
        const NoMoreDescriptors full;
        supervisor.link(Party::reg, Party::apr);
    }
    supervisor.stop();
    stage.until_finished();
    CHECK(supervisor.exit_status() == 0);
    stage.io.restart();
    stage.io.run();  // nothing is left to wait for
    CHECK(count_of(stage.log(), "UDPS-313-W") == 1);
    CHECK(count_of(stage.log(), "a new link") == 0);
}
