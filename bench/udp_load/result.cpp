#include "bench/udp_load/result.hpp"

#include <fmt/core.h>

namespace load {

namespace {

double microseconds(std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1000;
}

}  // namespace

double Result::loss_percent() const {
    return sent == 0 ? 0 : 100 * static_cast<double>(lost()) / static_cast<double>(sent);
}

bool Result::good(const Options& options) const {
    return sent > 0 && wrong == 0 && corrupt == 0 && loss_percent() <= options.max_loss;
}

std::string Result::to_json() const {
    return fmt::format(
        R"({{"sent":{},"received":{},"lost":{},"loss_percent":{:.4f},"wrong":{},"corrupt":{},"duplicates":{},)"
        R"("unreachable":{},"not_sent":{},"seconds":{:.3f},"rate":{:.0f},"p50_us":{:.1f},"p90_us":{:.1f},)"
        R"("p99_us":{:.1f},"p999_us":{:.1f},"max_us":{:.1f}}})",
        sent, received, lost(), loss_percent(), wrong, corrupt, duplicates, unreachable, not_sent, seconds,
        seconds > 0 ? static_cast<double>(sent) / seconds : 0, microseconds(latency.at(0.5)),
        microseconds(latency.at(0.9)), microseconds(latency.at(0.99)), microseconds(latency.at(0.999)),
        microseconds(latency.highest()));
}

std::string Result::to_text() const {
    return fmt::format(
        "{} sent, {} answered, {} lost ({:.3f} %), {} wrong, {} corrupt, {} duplicates, {} unreachable\n"
        "round trip in microseconds: half within {:.0f}, 90 % {:.0f}, 99 % {:.0f}, 99.9 % {:.0f}, longest "
        "{:.0f}",
        sent, received, lost(), loss_percent(), wrong, corrupt, duplicates, unreachable,
        microseconds(latency.at(0.5)), microseconds(latency.at(0.9)), microseconds(latency.at(0.99)),
        microseconds(latency.at(0.999)), microseconds(latency.highest()));
}

}  // namespace load
