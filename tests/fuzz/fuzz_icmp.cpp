// What a raw ICMP socket may receive from anybody. The first byte chooses the family. Whatever the bytes are,
// nothing may crash, and a report is of that family.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "libudpserver/net/icmp_report.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const base::Family family = data[0] % 2 == 0 ? base::Family::v4 : base::Family::v6;
    // In memory of its own, so that the sanitizer sees what is read beyond it.
    const std::vector<std::uint8_t> message(data + 1, data + size);
    const auto report = net::read_icmp(family, std::as_bytes(std::span(message)));
    if (report && (report->source.family != family || report->server.family != family)) std::abort();
    return 0;
}
