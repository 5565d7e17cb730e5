#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.hpp"

namespace proxyd {

class Parent;

/// Names the descriptor of the socket to the program that tries this one out.
inline constexpr const char* candidate_variable = "PROXYD_CANDIDATE";

/// What the two programs say to each other, in this order.
namespace words {
inline constexpr std::string_view prepared = "prepared";  ///< everything but the children has started
inline constexpr std::string_view go = "go";              ///< start the children: ours are gone
inline constexpr std::string_view ready = "ready";        ///< all children are up
inline constexpr std::string_view leave = "leave";        ///< leave the sessions and exit
inline constexpr std::string_view failed = "failed ";     ///< the reason follows
}  // namespace words

/// This program as one that is tried out by the program that it is to replace (Trial).
class Candidate {
public:
    /// Nothing if this is a normal start. Throws std::runtime_error if the variable has no descriptor.
    static std::optional<Candidate> from_environment();

    [[nodiscard]] int descriptor() const { return socket_.get(); }
    void say(std::string_view word) const;
    void say_failed(std::string_view reason) const;

    /// Runs `parent` as the other program wants it. Returns the exit status. It leaves the sessions in every
    /// case, and the kernel kills the children if it exits.
    int run(Parent& parent) const;

private:
    [[nodiscard]] bool is_alone() const;
    [[noreturn]] int fail(const std::string& reason) const;

    explicit Candidate(base::UniqueFd socket) : socket_(std::move(socket)) {}

    base::UniqueFd socket_;
};

}  // namespace proxyd
