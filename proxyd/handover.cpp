#include "proxyd/handover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

namespace proxyd {

namespace {

constexpr const char* first_word = "proxyd-handover";
constexpr const char* last_word = "config";  // the configuration follows

/// Reads the words of a line.
class Line {
public:
    explicit Line(const std::string& text) : text_(text), words_(text) {}

    std::string word() {
        std::string word;
        if (!(words_ >> word)) fail();
        return word;
    }
    std::string rest() {
        std::string rest;
        std::getline(words_ >> std::ws, rest);
        return rest;
    }
    bool more() { return !(words_ >> std::ws).eof(); }

    template <typename T>
    T number() {
        return number_of<T>(word());
    }
    template <typename T>
    T number_of(const std::string& word) const {
        T value{};
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error != std::errc() || end != word.data() + word.size()) fail();
        return value;
    }

    base::Endpoint endpoint() {
        const auto endpoint = base::parse_endpoint(word());
        if (!endpoint) fail();
        return *endpoint;
    }
    base::Address address() {
        const auto address = base::parse_address(word());
        if (!address) fail();
        return *address;
    }
    net::PoolGroup group() {
        const base::Address source = address();
        net::PoolGroup group{source.family, source, std::nullopt};
        if (const std::string ports = word(); ports != "system") {
            const std::size_t dash = ports.find('-');
            if (dash == std::string::npos) fail();
            group.ports = {number_of<std::uint16_t>(ports.substr(0, dash)),
                           number_of<std::uint16_t>(ports.substr(dash + 1))};
        }
        group.several_senders = word() == "several-senders";
        group.optional = word() == "optional";
        return group;
    }
    [[noreturn]] void fail() const { throw std::runtime_error("handover: invalid line: " + text_); }

private:
    std::string text_;
    std::istringstream words_;
};

/// Appends lines `word value`.
class Text {
public:
    template <typename T>
    void line(std::string_view word, const T& value) {
        fmt::format_to(std::back_inserter(text_), "{} {}\n", word, value);
    }
    [[nodiscard]] std::string str() const { return fmt::to_string(text_); }

private:
    fmt::memory_buffer text_;
};

/// A word of the handover: how it is written and read. A list has a line for each element, so `write` gets
/// the word and may write any number of lines.
struct Field {
    const char* word;
    void (*write)(Text&, const char* word, const Handover&);
    void (*read)(Line&, Handover&);
};

/// A field with a single number.
template <auto member>
constexpr Field number(const char* word) {
    using Number = std::remove_reference_t<decltype(std::declval<Handover&>().*member)>;
    return {word, [](Text& text, const char* name, const Handover& from) { text.line(name, from.*member); },
            [](Line& line, Handover& to) { to.*member = line.number<Number>(); }};
}

/// A field with a file.
template <Handover::File Handover::*member>
constexpr Field file(const char* word) {
    return {word,
            [](Text& text, const char* name, const Handover& from) {
                const Handover::File& file = from.*member;
                text.line(name, fmt::format("{} {} {}", file.descriptor, file.device, file.inode));
            },
            [](Line& line, Handover& to) {
                Handover::File& file = to.*member;
                file.descriptor = line.number<int>();
                file.device = line.number<std::uint64_t>();
                file.inode = line.number<std::uint64_t>();
            }};
}

void write_version(Text& text, const char* word, const Handover& from) {
    text.line(word, from.version);
}
void read_version(Line& line, Handover& to) {
    to.version = line.word();
}

void write_path(Text& text, const char* word, const Handover& from) {
    text.line(word, from.file);
}
void read_path(Line& line, Handover& to) {
    to.file = line.rest();
}

void write_started(Text& text, const char* word, const Handover& from) {
    text.line(word, from.started.time_since_epoch().count());
}
void read_started(Line& line, Handover& to) {
    to.started = base::Instant(base::Duration(line.number<std::int64_t>()));
}

void write_listeners(Text& text, const char* word, const Handover& from) {
    for (const Handover::Listener& listener : from.listeners)
        text.line(word, fmt::format("{} {}", base::to_string(listener.configured),
                                    fmt::join(listener.sockets, " ")));
}
void read_listener(Line& line, Handover& to) {
    Handover::Listener& listener = to.listeners.emplace_back();
    listener.configured = line.endpoint();
    while (line.more())
        listener.sockets.push_back(line.number<int>());
    if (listener.sockets.size() < to.workers) line.fail();
}

void write_groups(Text& text, const char* word, const Handover& from) {
    for (const net::PoolGroup& group : from.groups) {
        const std::string ports =
            group.ports ? fmt::format("{}-{}", group.ports->first, group.ports->last) : "system";
        text.line(word, fmt::format("{} {} {} {}", base::to_string(group.source), ports,
                                    group.several_senders ? "several-senders" : "one-sender",
                                    group.optional ? "optional" : "needed"));
    }
}
void read_group(Line& line, Handover& to) {
    to.groups.push_back(line.group());
}

void write_sockets(Text& text, const char* word, const Handover& from) {
    for (const Handover::PoolSocket& socket : from.sockets)
        text.line(word, fmt::format("{} {} {}", socket.descriptor, socket.group, socket.worker));
}
void read_socket(Line& line, Handover& to) {
    Handover::PoolSocket& socket = to.sockets.emplace_back();
    socket.descriptor = line.number<int>();
    socket.group = line.number<std::uint16_t>();
    socket.worker = line.number<std::uint8_t>();
    if (socket.group >= to.groups.size() || socket.worker >= to.workers) line.fail();
}

void write_shared(Text& text, const char* word, const Handover& from) {
    if (!from.shared.empty())
        text.line(word, fmt::format("{} {}", from.shared_version, fmt::join(from.shared, " ")));
}
void read_shared(Line& line, Handover& to) {
    to.shared_version = line.number<unsigned>();
    while (line.more())
        to.shared.push_back(line.number<int>());
}

void write_arena(Text& text, const char* word, const Handover& from) {
    if (const auto& arena = from.arena)
        text.line(word,
                  fmt::format("{} {} {}", arena->descriptor, arena->session_places, arena->socket_places));
}
void read_arena(Line& line, Handover& to) {
    Handover::Arena& arena = to.arena.emplace();
    arena.descriptor = line.number<int>();
    arena.session_places = line.number<std::size_t>();
    arena.socket_places = line.number<std::size_t>();
}

void write_names(Text& text, const char* word, const Handover& from) {
    for (const auto& [name, addresses] : from.names) {
        std::string words = name;
        for (const base::Address& address : addresses)
            words += " " + base::to_string(address);
        text.line(word, words);
    }
}
void read_name(Line& line, Handover& to) {
    std::vector<base::Address>& addresses = to.names[line.word()];
    while (line.more())
        addresses.push_back(line.address());
}

/// The lines of a handover, in their order. A line may depend on lines above it.
constexpr Field fields[] = {
    {"version", write_version, read_version},
    {"file", write_path, read_path},
    number<&Handover::epoch>("epoch"),
    {"started", write_started, read_started},
    number<&Handover::upgrades>("upgrades"),
    number<&Handover::log_level>("log-level"),
    number<&Handover::workers>("workers"),
    number<&Handover::steering_seed>("steering"),
    {"listener", write_listeners, read_listener},
    number<&Handover::pool_capacity>("pool"),
    number<&Handover::filter>("filter"),
    {"group", write_groups, read_group},
    {"socket", write_sockets, read_socket},
    {"shared", write_shared, read_shared},
    {"arena", write_arena, read_arena},
    {"name", write_names, read_name},
    file<&Handover::pid_file>("pid-file"),
    file<&Handover::control>("control"),
    number<&Handover::log>("log"),
};

}  // namespace

std::vector<int> Handover::descriptors() const {
    std::vector<int> all;
    for (const Listener& listener : listeners)
        all.insert(all.end(), listener.sockets.begin(), listener.sockets.end());
    for (const PoolSocket& socket : sockets)
        all.push_back(socket.descriptor);
    all.insert(all.end(), shared.begin(), shared.end());
    if (arena) all.push_back(arena->descriptor);
    all.insert(all.end(), {filter, pid_file.descriptor, control.descriptor, log});
    std::erase(all, -1);
    return all;
}

std::string to_text(const Handover& handover) {
    Text text;
    text.line(first_word, Handover::format);
    for (const Field& field : fields)
        field.write(text, field.word, handover);
    return text.str() + last_word + "\n" + handover.config;
}

Handover parse_handover(const std::string& text) {
    Handover handover;
    std::istringstream lines(text);
    std::string one;
    std::getline(lines, one);
    if (Line first(one);
        first.word() != first_word || first.number<unsigned>() != Handover::format || first.more())
        first.fail();
    while (std::getline(lines, one)) {
        Line line(one);
        const std::string word = line.word();
        if (word == last_word) {
            if (handover.workers == 0 || handover.listeners.empty() || handover.groups.empty()) line.fail();
            handover.config.assign(std::istreambuf_iterator<char>(lines), {});
            return handover;
        }
        const auto* const field = std::ranges::find(fields, word, &Field::word);
        if (field == std::end(fields)) line.fail();
        field->read(line, handover);
        if (line.more()) line.fail();
    }
    throw std::runtime_error("handover: it is truncated");
}

}  // namespace proxyd
