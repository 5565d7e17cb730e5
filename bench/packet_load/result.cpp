#include "bench/packet_load/result.hpp"

#include <fmt/core.h>

namespace packet {

namespace {

double microseconds(std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1000;
}

}  // namespace

std::string Result::to_json() const {
    return fmt::format(
        R"({{"sent":{},"received":{},"misdelivered":{},"corrupt":{},"duplicates":{},"late":{},"overrun":{},)"
        R"("behind_us":{:.1f},"seconds":{:.4f},"p50_us":{:.1f},"p99_us":{:.1f},"p999_us":{:.1f},)"
        R"("max_us":{:.1f}}})",
        sent, received, misdelivered, corrupt, duplicates, late, overrun, microseconds(behind_ns), seconds,
        microseconds(latency.at(0.5)), microseconds(latency.at(0.99)), microseconds(latency.at(0.999)),
        microseconds(latency.highest()));
}

}  // namespace packet
