#include "proxyd/handover.hpp"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>

namespace proxyd {

namespace {

constexpr const char* first_word = "proxyd-handover";
constexpr const char* last_word = "config";  // the rest is the configuration

std::string words_of(const net::PoolGroup& group) {
    const std::string ports =
        group.ports ? fmt::format("{}-{}", group.ports->first, group.ports->last) : "system";
    return fmt::format("{} {} {}", base::to_string(group.source), ports,
                       group.optional ? "optional" : "needed");
}

std::string words_of(const Handover::File& file) {
    return fmt::format("{} {} {}", file.descriptor, file.device, file.inode);
}

/// The words of a line, one after the other.
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
        group.optional = word() == "optional";
        return group;
    }
    [[noreturn]] void fail() const {
        throw std::runtime_error("handover: this line makes no sense: " + text_);
    }

private:
    std::string text_;
    std::istringstream words_;
};

Handover::File file_of(Line& line) {
    Handover::File file;
    file.descriptor = line.number<int>();
    file.device = line.number<std::uint64_t>();
    file.inode = line.number<std::uint64_t>();
    return file;
}

using Reader = std::function<void(Line&, Handover&)>;

/// What each line means, by its first word.
const std::map<std::string, Reader>& readers() {
    static const std::map<std::string, Reader> all{
        {first_word,
         [](Line& line, Handover&) {
             if (line.number<unsigned>() != Handover::format) line.fail();
         }},
        {"version", [](Line& line, Handover& to) { to.version = line.word(); }},
        {"file", [](Line& line, Handover& to) { to.file = line.rest(); }},
        {"epoch", [](Line& line, Handover& to) { to.epoch = line.number<std::uint32_t>(); }},
        {"started",
         [](Line& line, Handover& to) {
             to.started = base::Instant(base::Duration(line.number<std::int64_t>()));
         }},
        {"upgrades", [](Line& line, Handover& to) { to.upgrades = line.number<unsigned>(); }},
        {"log-level", [](Line& line, Handover& to) { to.log_level = line.number<int>(); }},
        {"workers", [](Line& line, Handover& to) { to.workers = line.number<unsigned>(); }},
        {"steering", [](Line& line, Handover& to) { to.steering_seed = line.number<std::uint32_t>(); }},
        {"listener",
         [](Line& line, Handover& to) {
             Handover::Listener& listener = to.listeners.emplace_back();
             listener.configured = line.endpoint();
             while (line.more())
                 listener.sockets.push_back(line.number<int>());
             if (listener.sockets.size() < to.workers) line.fail();
         }},
        {"pool", [](Line& line, Handover& to) { to.pool_capacity = line.number<std::size_t>(); }},
        {"filter", [](Line& line, Handover& to) { to.filter = line.number<int>(); }},
        {"group", [](Line& line, Handover& to) { to.groups.push_back(line.group()); }},
        {"socket",
         [](Line& line, Handover& to) {
             Handover::PoolSocket& socket = to.sockets.emplace_back();
             socket.descriptor = line.number<int>();
             socket.group = line.number<std::uint16_t>();
             socket.worker = line.number<std::uint8_t>();
             if (socket.group >= to.groups.size() || socket.worker >= to.workers) line.fail();
         }},
        {"arena",
         [](Line& line, Handover& to) {
             Handover::Arena& arena = to.arena.emplace();
             arena.descriptor = line.number<int>();
             arena.session_places = line.number<std::size_t>();
             arena.socket_places = line.number<std::size_t>();
         }},
        {"name",
         [](Line& line, Handover& to) {
             std::vector<base::Address>& addresses = to.names[line.word()];
             while (line.more())
                 addresses.push_back(line.address());
         }},
        {"pid-file", [](Line& line, Handover& to) { to.pid_file = file_of(line); }},
        {"control", [](Line& line, Handover& to) { to.control = file_of(line); }},
    };
    return all;
}

}  // namespace

std::vector<int> Handover::descriptors() const {
    std::vector<int> all;
    for (const Listener& listener : listeners)
        all.insert(all.end(), listener.sockets.begin(), listener.sockets.end());
    for (const PoolSocket& socket : sockets)
        all.push_back(socket.descriptor);
    if (arena) all.push_back(arena->descriptor);
    all.insert(all.end(), {filter, pid_file.descriptor, control.descriptor});
    std::erase(all, -1);
    return all;
}

std::string to_text(const Handover& handover) {
    fmt::memory_buffer text;
    const auto line = [&text](std::string_view word, const auto& value) {
        fmt::format_to(std::back_inserter(text), "{} {}\n", word, value);
    };
    line(first_word, Handover::format);
    line("version", handover.version);
    line("file", handover.file);
    line("epoch", handover.epoch);
    line("started", handover.started.time_since_epoch().count());
    line("upgrades", handover.upgrades);
    line("log-level", handover.log_level);
    line("workers", handover.workers);
    line("steering", handover.steering_seed);
    for (const Handover::Listener& listener : handover.listeners)
        line("listener",
             fmt::format("{} {}", base::to_string(listener.configured), fmt::join(listener.sockets, " ")));
    line("pool", handover.pool_capacity);
    line("filter", handover.filter);
    for (const net::PoolGroup& group : handover.groups)
        line("group", words_of(group));
    for (const Handover::PoolSocket& socket : handover.sockets)
        line("socket", fmt::format("{} {} {}", socket.descriptor, socket.group, socket.worker));
    if (const auto& arena = handover.arena)
        line("arena",
             fmt::format("{} {} {}", arena->descriptor, arena->session_places, arena->socket_places));
    for (const auto& [name, addresses] : handover.names) {
        std::string words = name;
        for (const base::Address& address : addresses)
            words += " " + base::to_string(address);
        line("name", words);
    }
    line("pid-file", words_of(handover.pid_file));
    line("control", words_of(handover.control));
    return fmt::to_string(text) + last_word + "\n" + handover.config;
}

Handover parse_handover(const std::string& text) {
    Handover handover;
    std::istringstream lines(text);
    bool first = true;
    for (std::string one; std::getline(lines, one);) {
        Line line(one);
        const std::string word = line.word();
        if (first != (word == first_word)) line.fail();
        first = false;
        if (word == last_word) {
            if (handover.workers == 0 || handover.listeners.empty() || handover.groups.empty()) line.fail();
            handover.config.assign(std::istreambuf_iterator<char>(lines), {});
            return handover;
        }
        const auto reader = readers().find(word);
        if (reader == readers().end()) line.fail();
        reader->second(line, handover);
        if (line.more()) line.fail();
    }
    throw std::runtime_error("handover: it has no end");
}

}  // namespace proxyd
