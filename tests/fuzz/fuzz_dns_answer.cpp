// What a name server, or somebody who pretends to be one, may send. The first byte chooses the question and
// whether the rest gets its header, so that the fuzzer comes through to the records. Whatever the bytes are,
// nothing may crash, and what is believed must keep its bounds.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "resolvers/dns_answer.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

resolvers::DnsQuestion question_for(unsigned choice) {
    using resolvers::RecordType;
    resolvers::Randomness randomness;
    randomness.id = 0x4142;
    switch (choice % 3) {
        case 0:
            return {"a.example", RecordType::a, randomness};
        case 1:
            return {"a.example", RecordType::aaaa, randomness};
        default:
            return {"5.2.0.192.in-addr.arpa", RecordType::ptr, randomness};
    }
}

void check(const resolvers::DnsAnswer& answer, const conf::Resolver& settings) {
    using resolvers::DnsAnswer;
    const bool positive = answer.verdict == DnsAnswer::ok;
    require(positive == (answer.addresses.size() + answer.names.size() > 0));
    require(positive || !answer.why.empty());
    require(answer.addresses.size() <= resolvers::max_answer_results);
    require(answer.names.size() <= resolvers::max_answer_results);
    require(std::is_sorted(answer.addresses.begin(), answer.addresses.end()));
    for (const auto& name : answer.names)
        require(resolvers::canonical_name(name) == name);
    if (positive) require(answer.ttl >= settings.ttl.min && answer.ttl <= settings.ttl.max);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto question = question_for(data[0] & 0x7f);
    std::vector<std::uint8_t> message;
    if ((data[0] & 0x80) == 0) {
        message = question.packet();
        message[2] = 0x81;
        message[3] = 0x80;
        // The fuzzer sets the flags and the counts of records.
        for (std::size_t i = 3; i < 12 && size > 1; ++i, ++data, --size)
            if (i != 4 && i != 5) message[i] = data[1];
    }
    message.insert(message.end(), data + 1, data + size);
    const conf::Resolver settings;
    check(resolvers::read_answer(message, question, settings), settings);
    return 0;
}
