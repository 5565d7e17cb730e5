#pragma once

#include <dirent.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <span>

/// Runs the loop until the condition holds; fails the test after a generous deadline.
inline void run_until(boost::asio::io_context& io, const std::function<bool()>& condition,
                      std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (io.stopped()) io.restart();
        io.run_one_until(deadline);
        if (std::chrono::steady_clock::now() >= deadline) break;
    }
    REQUIRE(condition());
}

/// How many descriptors this process has open, the directory's own one not counted.
inline int open_descriptors() {
    DIR* directory = ::opendir("/proc/self/fd");
    int count = 0;
    while (::readdir(directory) != nullptr)
        ++count;
    ::closedir(directory);
    return count - 3;  // . and .. and the directory's own
}
