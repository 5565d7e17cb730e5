#pragma once

#include <cstdint>
#include <vector>

namespace load {

/// One client: what it has sent and which answers it has seen.
class Client {
public:
    [[nodiscard]] std::uint64_t next_sequence() const { return seen_.size(); }

    /// The next datagram goes out.
    void sent() { seen_.push_back(false); }

    /// False: the answer to this datagram was here before.
    bool answered(std::uint64_t sequence) {
        if (seen_[sequence]) return false;
        seen_[sequence] = true;
        return true;
    }

private:
    std::vector<bool> seen_;  // a bit for each datagram of the run
};

}  // namespace load
