#pragma once

#include <random>

#include "base/unique_fd.hpp"
#include "bench/udp_echo/batch.hpp"
#include "bench/udp_echo/delay_queue.hpp"
#include "bench/udp_echo/options.hpp"
#include "bench/udp_echo/tally.hpp"

namespace echo {

/// The echo server: its socket, perhaps a second one that answers leave from, and the loop.
class Server {
public:
    /// Opens the sockets and blocks the signals that run() waits for; throws std::system_error.
    explicit Server(Options options);

    /// Until SIGTERM or SIGINT.
    void run();

private:
    void watch(int fd);
    void read_socket(int fd);
    void answer(std::size_t index);
    void send_due();
    bool read_signal();
    void report() const;
    [[nodiscard]] bool wants_answer() const;
    [[nodiscard]] int answering_socket(int fd) const { return other_ ? other_.get() : fd; }

    Options options_;
    base::UniqueFd socket_, other_, epoll_, signals_;
    Batch batch_;
    DelayQueue late_;
    Tally tally_;
    std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace echo
