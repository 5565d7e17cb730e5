#include "conf/load.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "conf/checks.hpp"
#include "conf/section.hpp"
#include "conf/sections.hpp"
#include "conf/system.hpp"
#include "conf/words.hpp"
#include "conf/yaml_source.hpp"

namespace conf {
namespace {

/// The limit of useradd(8).
constexpr std::size_t max_user_length = 32;

ValueType<std::string> known_proxy(const std::vector<std::string>& known) {
    std::vector<std::pair<std::string, std::string>> names;
    for (const std::string& name : known)
        names.emplace_back(name, name);
    return choice<std::string>(std::move(names), "proxy");
}

ValueType<std::string> user_and_group() {
    const std::string expected =
        "USER or USER:GROUP, names or numbers of 1 to 32 letters, digits, '.', '_' or '-'";
    auto read = [expected](const NodeRef& ref) -> std::optional<std::string> {
        const std::string* text = ref.scalar(expected);
        if (!text) return std::nullopt;
        const std::size_t colon = text->find(':');
        const bool good = is_word(text->substr(0, colon), max_user_length) &&
                          (colon == text->npos || is_word(text->substr(colon + 1), max_user_length));
        if (good) return *text;
        ref.refuse("invalid value " + quote(*text), expected);
        return std::nullopt;
    };
    return {expected, read};
}

void read_signals(const NodeRef& ref, Signals& signals) {
    Section section(ref, "hup");
    section.optional("hup", signals.hup, choice(hup_actions()));
    section.finish();
}

void read_config(const NodeRef& ref, const std::vector<std::string>& known_proxies, const System& system,
                 Config& config) {
    Section section(ref);
    section.required("name", config.name, word());
    section.optional("proxy", config.proxy, known_proxy(known_proxies));
    section.optional("user", config.user, user_and_group());
    section.optional("singleproc", config.singleproc, boolean());
    section.optional("nodaemon", config.nodaemon, boolean());
    section.optional("sandbox", config.sandbox, choice(sandbox_modes()));
    section.optional("core-dumps", config.core_dumps, boolean());
    section.optional("pid-file", config.pid_file, absolute_path());
    if (const auto control = section.child("control")) read_control(*control, config.control);
    if (const auto signals = section.child("signals")) read_signals(*signals, config.signals);
    if (const auto status = section.child("status-file")) read_status_file(*status, config.status_file);
    if (const auto log = section.child("log")) read_log(*log, config.log);
    if (const auto udpserver = section.required_child("udpserver", "a section with max-sessions")) {
        read_udpserver(*udpserver, system.processors, config.udpserver);
    }
    if (const auto resolver = section.child("resolver")) read_resolver(*resolver, config.resolver);
    if (const auto lists = section.child("lists")) read_lists(*lists, config.lists);
    if (const auto listen_on =
            section.required_child("listen-on", "at least one {address: ..., port: ...}")) {
        read_listen_on(*listen_on, config.listen_on);
    }
    if (const auto rules = section.required_child("session-acl", "at least one rule")) {
        read_session_acl(*rules, config.lists, config.session_acl);
    }
    section.finish();
}

LoadResult unreadable(const std::string& file, const std::string& reason) {
    LoadResult result;
    result.config.file = file;
    result.errors.push_back({0, 0, "", reason});
    return result;
}

}  // namespace

LoadResult load_text(std::string_view text, const std::string& file,
                     const std::vector<std::string>& known_proxies, const System& system) {
    const auto source = parse_yaml(text);
    LoadResult result;
    result.config.file = file;
    if (const Error* error = std::get_if<Error>(&source)) {
        result.errors.push_back(*error);
        return result;
    }
    const Node& root = std::get<Node>(source);
    Report report(root);
    if (root.kind == Node::Kind::null) {
        report.error(root.mark, "",
                     with_hint("the file is empty", "name, udpserver, listen-on and session-acl"));
    } else {
        read_config({root, "", report}, known_proxies, system, result.config);
        check(result.config, system, report);
    }
    result.errors = report.take_errors();
    result.warnings = report.take_warnings();
    return result;
}

LoadResult load_text(std::string_view text, const std::string& file,
                     const std::vector<std::string>& known_proxies) {
    return load_text(text, file, known_proxies, System::read());
}

std::string file_or_sibling(const std::string& path) {
    const std::filesystem::path given(path);
    std::error_code failure;
    if (std::filesystem::exists(given, failure)) return path;
    for (const auto& [ending, other] : {std::pair(".yaml", ".yml"), std::pair(".yml", ".yaml")}) {
        if (given.extension() != ending) continue;
        const std::filesystem::path sibling = std::filesystem::path(given).replace_extension(other);
        if (std::filesystem::exists(sibling, failure)) return sibling.string();
    }
    return path;
}

LoadResult load_file(const std::string& path, const std::vector<std::string>& known_proxies) {
    std::error_code failure;
    const std::string absolute = std::filesystem::absolute(path, failure).lexically_normal().string();
    const auto status = std::filesystem::status(path, failure);
    if (!failure && std::filesystem::is_directory(status)) return unreadable(absolute, "is a directory");
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) return unreadable(absolute, std::string("cannot be read: ") + std::strerror(errno));
    // One byte more than allowed shows that the file is too large.
    std::string text(max_source_bytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return unreadable(absolute, std::string("cannot be read: ") + std::strerror(errno));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return load_text(text, absolute, known_proxies);
}

}  // namespace conf
