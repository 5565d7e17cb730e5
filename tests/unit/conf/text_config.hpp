#pragma once

#include <string>

#include "conf/load.hpp"
#include "conf/system.hpp"

/// A small configuration in four parts, of which a test replaces what it is about.
struct TextConfig {
    std::string head = "name: t";
    std::string udpserver = "udpserver: {max-sessions: 10}";
    std::string listen_on = "listen-on: [{address: 127.0.0.1, port: 5300}]";
    std::string session_acl = "session-acl: [{action: accept, plug-to: '127.0.0.1:5301'}]";

    [[nodiscard]] std::string str() const {
        return head + "\n" + udpserver + "\n" + listen_on + "\n" + session_acl + "\n";
    }
};

inline conf::LoadResult load(const std::string& text) {
    return conf::load_text(text, "t.yaml", {"udp", "echo"}, conf::System{{32768, 60999}, 4});
}
inline conf::LoadResult load(const TextConfig& config) {
    return load(config.str());
}

/// One rule `{...}` with these keys, in an otherwise correct file.
inline conf::LoadResult load_rule(const std::string& keys) {
    TextConfig config;
    config.session_acl = "session-acl:\n  - {" + keys + "}";
    return load(config);
}

inline conf::Rule rule_of(const std::string& keys) {
    const conf::LoadResult result = load_rule("action: accept, plug-to: '192.0.2.1:53', " + keys);
    for (const conf::Error& error : result.errors)
        FAIL(to_string(error, "t.yaml"));
    return result.config.session_acl.at(0);
}

/// All errors (or warnings) as the user sees them.
inline std::string lines(const std::vector<conf::Error>& errors) {
    std::string text;
    for (const conf::Error& error : errors)
        text += to_string(error, "t.yaml") + "\n";
    return text;
}
