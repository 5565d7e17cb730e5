#include "resolvers/dns_answer.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "resolvers/dns_reader.hpp"

namespace resolvers {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::uint16_t response_bit = 0x8000, opcode_bits = 0x7800, truncated_bit = 0x0200;
constexpr std::uint16_t rcode_bits = 0x000f;
enum Rcode : std::uint16_t { no_error = 0, name_error = 3 };

struct Header {
    std::uint16_t id, flags, questions, answers, authorities, additionals;
};

Header read_header(DnsReader& in) {
    Header header{};
    header.id = in.u16();
    header.flags = in.u16();
    header.questions = in.u16();
    header.answers = in.u16();
    header.authorities = in.u16();
    header.additionals = in.u16();
    return header;
}

struct Record {
    std::string owner;
    RecordType type{};
    bool internet = false;
    base::Duration ttl{};
    std::size_t data_at = 0, data_size = 0;
};

struct Sections {
    std::vector<Record> answers, authorities;
};

using Message = std::span<const std::uint8_t>;

base::Duration seconds(std::uint32_t ttl) {
    return std::chrono::seconds(ttl > 0x7fffffffu ? 0u : ttl);
}

Record read_record(DnsReader& in) {
    Record record;
    record.owner = in.name();
    record.type = static_cast<RecordType>(in.u16());
    record.internet = in.u16() == class_in;
    record.ttl = seconds(in.u32());
    record.data_size = in.u16();
    record.data_at = in.at();
    in.bytes(record.data_size);
    return record;
}

// The name that a CNAME or PTR holds; nothing when its data is anything else than one name.
std::optional<std::string> target_of(Message message, const Record& record) {
    DnsReader in(message, record.data_at);
    std::string name = in.name();
    if (!in.ok() || in.at() != record.data_at + record.data_size) return std::nullopt;
    return name;
}

std::optional<base::Address> address_of(Message message, const Record& record) {
    const auto data = message.subspan(record.data_at, record.data_size);
    sockaddr_storage storage{};
    if (record.type == RecordType::a && data.size() == 4) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
        v4.sin_family = AF_INET;
        std::memcpy(&v4.sin_addr, data.data(), 4);
        return base::from_sockaddr(storage, sizeof v4).address();
    }
    if (record.type == RecordType::aaaa && data.size() == 16) {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
        v6.sin6_family = AF_INET6;
        std::memcpy(&v6.sin6_addr, data.data(), 16);
        return base::from_sockaddr(storage, sizeof v6).address();
    }
    return std::nullopt;
}

// A range whose ends are exchanged is its lower end.
base::Duration clamped(base::Duration ttl, const conf::TtlRange& range) {
    return std::max(range.min, std::min(ttl, range.max));
}

DnsAnswer refused(DnsAnswer::Verdict verdict, std::string_view why) {
    DnsAnswer answer;
    answer.verdict = verdict;
    answer.why = why;
    return answer;
}

// Reads all sections, so that a message that ends too early or too late is noticed.
std::optional<Sections> read_sections(Message message, std::size_t at, const Header& header) {
    Sections sections;
    DnsReader in(message, at);
    for (unsigned i = 0; i < header.answers && in.ok(); ++i)
        sections.answers.push_back(read_record(in));
    for (unsigned i = 0; i < header.authorities && in.ok(); ++i)
        sections.authorities.push_back(read_record(in));
    for (unsigned i = 0; i < header.additionals && in.ok(); ++i)
        read_record(in);
    return in.ok() && in.at_end() ? std::optional(std::move(sections)) : std::nullopt;
}

// Follows the aliases from the question's name and collects what is at their end.
class Chain {
public:
    Chain(Message message, const std::vector<Record>& records, RecordType type)
        : message_(message), records_(records), type_(type) {}

    DnsAnswer follow(std::string name) {
        for (std::size_t aliases = 0; aliases <= max_aliases; ++aliases) {
            const auto next = alias_of(name);
            if (!problem_.empty()) return refused(DnsAnswer::malformed, problem_);
            if (!next) return collect(name);
            name = *next;
        }
        return refused(DnsAnswer::malformed, "a loop of aliases, or too many");
    }

private:
    void use(const Record& record) { ttl_ = std::min(ttl_, record.ttl); }

    std::optional<std::string> alias_of(const std::string& name) {
        std::optional<std::string> alias;
        for (const Record& record : records_) {
            if (!record.internet || record.type != RecordType::cname || record.owner != name) continue;
            const auto target = target_of(message_, record);
            if (!target)
                problem_ = "an invalid alias";
            else if (alias && *alias != *target)
                problem_ = "two aliases of one name";
            alias = target;
            use(record);
        }
        return alias;
    }

    DnsAnswer collect(const std::string& name) {
        DnsAnswer answer;
        answer.verdict = DnsAnswer::ok;
        for (const Record& record : records_)
            if (record.internet && record.type == type_ && record.owner == name && !take(record, answer))
                return refused(DnsAnswer::malformed, "a record of a wrong size");
        if (taken_ > max_answer_results) return refused(DnsAnswer::malformed, "too many records");
        answer.ttl = ttl_;
        if (answer.addresses.empty() && answer.names.empty()) {
            answer.verdict = DnsAnswer::no_data;
            answer.why = taken_ == 0 ? "no record of the type" : "only odd names";
        }
        return answer;
    }

    bool take(const Record& record, DnsAnswer& answer) {
        ++taken_;
        use(record);
        if (type_ == RecordType::ns) return true;  // a probe only wants to know whether there is an answer
        if (type_ != RecordType::ptr) {
            const auto address = address_of(message_, record);
            if (address) answer.addresses.push_back(*address);
            return address.has_value();
        }
        const auto target = target_of(message_, record);
        const auto name = target ? canonical_name(dotted(*target)) : std::nullopt;
        if (name) answer.names.push_back(*name);
        return target.has_value();
    }

    Message message_;
    const std::vector<Record>& records_;
    RecordType type_;
    base::Duration ttl_ = base::Duration::max();
    std::size_t taken_ = 0;
    std::string_view problem_;
};

// RFC 2308: the smaller of the SOA's TTL and its last field.
std::optional<base::Duration> denial_ttl(Message message, const std::vector<Record>& authorities) {
    for (const Record& record : authorities) {
        if (!record.internet || record.type != RecordType::soa) continue;
        DnsReader in(message, record.data_at);
        in.name();
        in.name();
        in.bytes(4 * 4);
        const auto minimum = seconds(in.u32());
        if (in.ok() && in.at() == record.data_at + record.data_size) return std::min(record.ttl, minimum);
    }
    return std::nullopt;
}

bool has_referral(const std::vector<Record>& authorities) {
    return std::any_of(authorities.begin(), authorities.end(),
                       [](const Record& record) { return record.type == RecordType::ns; });
}

DnsAnswer denial(DnsAnswer::Verdict verdict, std::string_view why, Message message, const Sections& sections,
                 const conf::Resolver& settings) {
    const auto ttl = denial_ttl(message, sections.authorities);
    if (!ttl && verdict == DnsAnswer::no_data && has_referral(sections.authorities))
        return refused(DnsAnswer::server_failure, "a referral to other servers");
    DnsAnswer answer = refused(verdict, why);
    answer.ttl = clamped(ttl.value_or(settings.negative_ttl.min), settings.negative_ttl);
    return answer;
}

std::string_view failure_text(std::uint16_t rcode) {
    switch (rcode) {
        case 1:
            return "FORMERR";
        case 2:
            return "SERVFAIL";
        case 4:
            return "NOTIMP";
        case 5:
            return "REFUSED";
        default:
            return "an unexpected error";
    }
}

DnsAnswer read_ours(Message message, const Header& header, const DnsQuestion& question,
                    const conf::Resolver& settings) {
    if ((header.flags & truncated_bit) != 0) return refused(DnsAnswer::truncated, "truncated");
    const std::uint16_t rcode = header.flags & rcode_bits;
    if (rcode != no_error && rcode != name_error)
        return refused(DnsAnswer::server_failure, failure_text(rcode));
    if (header.answers + header.authorities + header.additionals > static_cast<int>(max_answer_records))
        return refused(DnsAnswer::malformed, "too many records");
    const auto sections = read_sections(message, question.size(), header);
    if (!sections) return refused(DnsAnswer::malformed, "records that do not fill the message");
    if (rcode == name_error) return denial(DnsAnswer::no_such_name, "NXDOMAIN", message, *sections, settings);

    DnsReader name_of_question(message, header_size);
    DnsAnswer answer = Chain(message, sections->answers, question.type()).follow(name_of_question.name());
    if (answer.verdict == DnsAnswer::no_data)
        return denial(answer.verdict, answer.why, message, *sections, settings);
    answer.ttl = clamped(answer.ttl, settings.ttl);
    std::sort(answer.addresses.begin(), answer.addresses.end());
    answer.addresses.erase(std::unique(answer.addresses.begin(), answer.addresses.end()),
                           answer.addresses.end());
    return answer;
}

}  // namespace

bool answers(std::span<const std::uint8_t> message, const DnsQuestion& question) {
    DnsReader in(message, 0);
    const Header header = read_header(in);
    if (message.size() < question.size() || header.id != question.id()) return false;
    if ((header.flags & (response_bit | opcode_bits)) != response_bit || header.questions != 1) return false;
    // The question must come back byte by byte, its letter case included.
    return std::equal(question.packet().begin() + header_size, question.packet().end(),
                      message.begin() + header_size);
}

DnsAnswer read_answer(std::span<const std::uint8_t> message, const DnsQuestion& question,
                      const conf::Resolver& settings) {
    if (!answers(message, question)) return refused(DnsAnswer::not_ours, "not an answer to the question");
    DnsReader in(message, 0);
    const Header header = read_header(in);
    DnsAnswer answer = read_ours(message, header, question, settings);
    answer.rcode = header.flags & rcode_bits;
    return answer;
}

}  // namespace resolvers
