#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "libudpserver/control/answer_line.hpp"
#include "libudpserver/control/control_server.hpp"
#include "tests/support/process_fixture.hpp"

/// A client of the control socket that never waits: the server runs in the same thread.
class ControlCaller {
public:
    explicit ControlCaller(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }

    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] int descriptor() const { return fd_.get(); }

    /// As many bytes as the socket takes.
    std::size_t say(const std::string& text) {
        const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent > 0 ? static_cast<std::size_t>(sent) : 0;
    }
    std::size_t ask(const std::string& command, const std::string& args = "{}") {
        return say(R"({"command": ")" + command + R"(", "args": )" + args + "}\n");
    }
    void say_no_more() { ::shutdown(fd_.get(), SHUT_WR); }
    void close() { fd_.reset(); }

    /// Reads what is there.
    void listen() {
        char buffer[4096];
        for (;;) {
            const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
            if (got > 0) {
                text_.append(buffer, static_cast<std::size_t>(got));
                continue;
            }
            if (got == 0 || (errno != EAGAIN && errno != EINTR)) ended_ = true;
            return;
        }
    }
    [[nodiscard]] bool ended() {
        listen();
        return ended_;
    }
    [[nodiscard]] const std::string& text() {
        listen();
        return text_;
    }
    [[nodiscard]] std::vector<std::string> lines() {
        std::istringstream stream(text());
        std::vector<std::string> lines;
        for (std::string line; std::getline(stream, line);)
            lines.push_back(line);
        return lines;
    }
    /// How many end lines came.
    [[nodiscard]] int ends() {
        int count = 0;
        for (const auto& line : lines())
            if (control::parse_answer(line).kind != control::AnswerLine::Kind::row) ++count;
        return count;
    }
    [[nodiscard]] control::AnswerLine last() { return control::parse_answer(lines().back()); }
    [[nodiscard]] control::AnswerLine row(std::size_t index) {
        return control::parse_answer(lines().at(index));
    }

private:
    base::UniqueFd fd_;
    bool connected_ = false;
    bool ended_ = false;
    std::string text_;
};

/// A stage with a control server that has one command: `hello` answers one row.
struct ControlStage : Stage {
    control::ControlSettings control;
    std::unique_ptr<control::ControlServer> server;

    ControlStage() {
        control.path = folder.path + "/control.sock";
        control.rights.own = ::geteuid();
    }

    control::ControlServer& serve() {
        server = std::make_unique<control::ControlServer>(io, control);
        server->add("hello", control::Access::read,
                    [](const control::Request& request, control::Answer answer) {
                        request.allow({"name"});
                        answer.row(control::Row().add("hello", request.text("name").value_or("you")));
                        answer.end();
                    });
        server->start();
        return *server;
    }
    [[nodiscard]] ControlCaller call() const { return ControlCaller(control.path); }

    void until_ends(ControlCaller& caller, int ends) {
        until([&] { return caller.ends() >= ends; });
    }
    void until_ended(ControlCaller& caller) {
        until([&] { return caller.ended(); });
    }
};
