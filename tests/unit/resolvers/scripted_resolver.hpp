#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/endpoint.hpp"
#include "resolvers/name_sink.hpp"
#include "resolvers/resolver.hpp"

/// A resolver that answers when the test says so, and a sink that remembers.
struct ScriptedResolver : resolvers::Resolver {
    struct Asked {
        resolvers::Question question;
        Callback callback;
    };

    explicit ScriptedResolver(boost::asio::io_context& loop) : io(loop) {}

    void ask(resolvers::Question question, Callback callback) override {
        asked.push_back({std::move(question), std::move(callback)});
    }
    /// The question, oldest first, that is not answered yet; fails the test if there is none.
    void answer(const std::string& name, const resolvers::Answer& answer) {
        for (Asked& one : asked) {
            if (one.question.name != name || !one.callback) continue;
            boost::asio::post(
                io, [callback = std::exchange(one.callback, nullptr), answer] { callback(answer); });
            return;
        }
        FAIL("no question about '" + name + "'");
    }
    [[nodiscard]] std::size_t open() const {
        std::size_t count = 0;
        for (const Asked& one : asked)
            count += one.callback ? 1 : 0;
        return count;
    }

    boost::asio::io_context& io;
    std::vector<Asked> asked;
};

struct RememberingSink : resolvers::NameSink {
    std::vector<ipc::NameUpdate> updates;
    void update(const ipc::NameUpdate& one) override { updates.push_back(one); }
};

inline void run_until(boost::asio::io_context& io, const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
        if (io.stopped()) io.restart();
        io.run_one_until(deadline);
        if (std::chrono::steady_clock::now() >= deadline) break;
    }
    REQUIRE(condition());
}

/// Everything that can run now, runs.
inline void settle(boost::asio::io_context& io) {
    io.restart();
    while (io.poll() > 0) {
    }
}

inline base::Address address_of(const std::string& text) {
    return base::parse_address(text).value();
}
inline resolvers::Answer found(std::initializer_list<const char*> addresses,
                               base::Duration ttl = std::chrono::seconds(10)) {
    resolvers::Answer answer;
    for (const char* text : addresses)
        answer.addresses.push_back(address_of(text));
    answer.ttl = ttl;
    answer.detail = "#1";
    return answer;
}
inline resolvers::Answer names_found(std::vector<std::string> names,
                                     base::Duration ttl = std::chrono::seconds(10)) {
    resolvers::Answer answer;
    answer.names = std::move(names);
    answer.ttl = ttl;
    answer.detail = "#1";
    return answer;
}
inline resolvers::Answer not_found(resolvers::Answer::Status status, std::string detail = "#1",
                                   base::Duration ttl = std::chrono::seconds(5)) {
    resolvers::Answer answer;
    answer.status = status;
    answer.ttl = ttl;
    answer.detail = std::move(detail);
    return answer;
}
/// `x: 192.0.2.1 192.0.2.2`, `x: unresolved`, `x:`.
inline std::string text_of(const ipc::NameUpdate& update) {
    std::string all = update.name + ":" + (update.unresolved ? " unresolved" : "");
    for (const auto& address : update.addresses)
        all += " " + base::to_string(address);
    return all;
}
inline resolvers::Question names_of(const std::string& address) {
    resolvers::Question question;
    question.address = address_of(address);
    return question;
}
