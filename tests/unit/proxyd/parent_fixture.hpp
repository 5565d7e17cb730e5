#pragma once

#include <fstream>
#include <memory>
#include <string>

#include "conf/load.hpp"
#include "proxyd/parent.hpp"
#include "tests/support/process_fixture.hpp"

/// A parent with a real REG and one listener, in this program.
struct ParentStage : Stage {
    std::string file = folder.path + "/proxyd.yaml";
    proxyd::Load load = [this] { return conf::load_file(file, {"udp"}); };
    std::unique_ptr<proxyd::Confinement> confinement;
    std::unique_ptr<proxyd::KeptState> kept;
    std::unique_ptr<proxyd::Parent> parent;
    int ready = 0;

    ~ParentStage() {
        if (!parent) return;
        for (const auto& child : parent->supervisor().children())
            if (child->is_running()) {
                child->signal(SIGKILL);
                ::waitpid(child->status().pid, nullptr, 0);
            }
    }

    /// `more`: lines of the configuration.
    void write(const std::string& more = "") const {
        std::ofstream(file) << "name: stage\nnodaemon: true\nsandbox: off\ncore-dumps: true\nproxy: udp\n"
                               "udpserver: {max-sessions: 10, stop-timeout: 1s}\n"
                               "listen-on: [{address: 127.0.0.1, port: 0}]\n"
                            << more;
    }
    void make(const std::string& more = rule("one")) {
        write(more);
        const conf::LoadResult loaded = load();
        REQUIRE(loaded.ok());
        kept = std::make_unique<proxyd::KeptState>(loaded.config);
        confinement = std::make_unique<proxyd::Confinement>(loaded.config);
        parent = std::make_unique<proxyd::Parent>(
            proxyd::Parent::Parts{.config = loaded.config, .load = load, .confinement = *confinement}, *kept,
            inbox);
    }
    static std::string rule(const std::string& name) {
        return "session-acl: [{name: " + name + ", action: accept, plug-to: \"127.0.0.1:5301\"}]\n";
    }

    /// Runs the parent; `then` is called when REG is up.
    int run(const std::function<void()>& then) {
        boost::asio::steady_timer limit(parent->io(), 10s);
        limit.async_wait([this](boost::system::error_code error) {
            if (!error) parent->io().stop();
        });
        const int status = parent->run([&] {
            ++ready;
            boost::asio::post(parent->io(), then);
        });
        limit.cancel();
        INFO(log());
        REQUIRE(parent->supervisor().exit_status());
        return status;
    }
    /// Turns the parent's loop, which may have stopped already, until the condition holds.
    void until(const std::function<bool()>& condition) const {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        bool stopped = false;
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            if (parent->io().stopped()) {
                stopped = true;
                parent->io().restart();
            }
            parent->io().run_one_for(5ms);
        }
        if (stopped) parent->io().stop();
        INFO(log());
        REQUIRE(condition());
    }
    process::Child& reg() const { return *parent->supervisor().find(ipc::Party::reg); }
};
