#include "base/log_wire.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace base::log {
namespace {

constexpr char message_mark = 'M', record_mark = 'R';
constexpr std::size_t max_record = max_wire_packet - 1024;

using std::chrono::microseconds;

template <typename Number>
void put(std::string& out, Number number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    out.append(bytes, sizeof number);
}

void put_short(std::string& out, std::string_view text) {
    const auto size = static_cast<std::uint8_t>(std::min<std::size_t>(text.size(), 255));
    put(out, size);
    out.append(text.substr(0, size));
}

/// Takes typed parts off the front; once one is missing, all others are too.
class Parts {
public:
    explicit Parts(std::span<const char> packet) : rest_(packet.data(), packet.size()) {}

    template <typename Number>
    Number number() {
        Number value{};
        const std::string_view bytes = text(sizeof value);
        if (ok_) std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    std::string_view text(std::size_t size) {
        ok_ = ok_ && size <= rest_.size();
        if (!ok_) return {};
        const std::string_view found = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return found;
    }
    std::string_view rest() { return text(rest_.size()); }
    [[nodiscard]] bool more() const { return ok_ && !rest_.empty(); }
    [[nodiscard]] bool ok() const { return ok_; }

private:
    std::string_view rest_;
    bool ok_ = true;
};

std::string record_with_limit(const std::vector<Field>& fields, std::size_t limit) {
    std::string out(1, record_mark);
    for (const Field& field : fields) {
        const std::string_view value = std::string_view(field.value).substr(0, limit);
        put<std::uint8_t>(out, field.quoted ? 1 : 0);
        put_short(out, field.key);
        put(out, static_cast<std::uint16_t>(value.size()));
        out += value;
    }
    return out;
}

const Message* message_of(std::string_view id) {
    const auto all = all_messages();
    const auto found = std::ranges::find(all, id, [](const Message* message) { return message->id; });
    return found == all.end() ? nullptr : *found;
}

/// Keys are not escaped, so no other one may stand in a line.
bool is_key(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
}

bool read_fields(Parts& parts, WireLine& line) {
    while (parts.more()) {
        const bool quoted = parts.number<std::uint8_t>() != 0;
        const std::string_view key = parts.text(parts.number<std::uint8_t>());
        if (!is_key(key)) return false;
        line.fields.push_back({key, std::string(parts.text(parts.number<std::uint16_t>())), quoted});
    }
    return parts.ok();
}

}  // namespace

// Escapes only make a text longer, so that a cut here is behind the cut that LOG makes and marks.
std::string wire_message(std::string_view text) {
    return message_mark + std::string(text.substr(0, max_line));
}

std::string wire_record(const std::vector<Field>& fields) {
    std::size_t limit = max_line;
    std::string body = record_with_limit(fields, limit);
    while (body.size() > max_record && limit > 8) {
        limit /= 2;
        body = record_with_limit(fields, limit);
    }
    return body;
}

std::string wire_packet(const Line& line, std::string_view role) {
    std::string packet;
    const auto time = std::chrono::duration_cast<microseconds>(line.time.time_since_epoch());
    put(packet, static_cast<std::int64_t>(time.count()));
    put_short(packet, role);
    put_short(packet, line.id);
    packet += line.body.substr(0, max_record);
    return packet;
}

std::optional<WireLine> parse_wire(std::span<const char> packet) {
    using std::chrono::system_clock;
    Parts parts(packet);
    WireLine line;
    const microseconds since(parts.number<std::int64_t>());
    line.role = parts.text(parts.number<std::uint8_t>());
    line.message = message_of(parts.text(parts.number<std::uint8_t>()));
    const std::string_view mark = parts.text(1);
    if (!parts.ok() || line.message == nullptr) return std::nullopt;
    // No line is from the future, and the year must have four digits.
    line.time = system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(
        std::clamp(since, microseconds(0),
                   std::chrono::duration_cast<microseconds>(system_clock::now().time_since_epoch()))));
    line.is_record = mark[0] == record_mark;
    if (!line.is_record && mark[0] != message_mark) return std::nullopt;
    if (!line.is_record) line.text = parts.rest();
    if (line.is_record && !read_fields(parts, line)) return std::nullopt;
    return line;
}

}  // namespace base::log
