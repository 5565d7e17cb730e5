#pragma once

#include <string>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/policy/names.hpp"

/// Host items and rules in few words.

inline base::Address address(const char* text) {
    return *base::parse_address(text);
}

inline base::Endpoint endpoint(const char* text) {
    return *base::parse_endpoint(text);
}

inline conf::HostItem range(const char* first, const char* last) {
    conf::HostItem item{.kind = conf::HostItem::Kind::range};
    item.first = address(first);
    item.last = address(last);
    return item;
}

inline conf::HostItem one(const char* text) {
    return range(text, text);
}

inline conf::HostItem list(std::size_t index) {
    conf::HostItem item{.kind = conf::HostItem::Kind::list};
    item.list = index;
    return item;
}

inline conf::HostItem named(const char* name) {
    conf::HostItem item{.kind = conf::HostItem::Kind::name};
    item.text = name;
    return item;
}

inline conf::HostItem pattern(const char* text) {
    conf::HostItem item{.kind = conf::HostItem::Kind::pattern};
    item.text = text;
    return item;
}

inline conf::HostItem negated(conf::HostItem item) {
    item.negated = !item.negated;
    return item;
}

inline conf::Rule rule_from(conf::HostItems from, conf::Action action = conf::Action::accept) {
    conf::Rule rule;
    rule.name = "rule";
    rule.from = std::move(from);
    rule.action = action;
    return rule;
}

inline conf::Config config_of(std::vector<conf::Rule> rules, std::vector<conf::NamedList> lists = {}) {
    conf::Config config;
    config.session_acl = std::move(rules);
    config.lists = std::move(lists);
    return config;
}

inline void know(policy::Names& names, const char* name, std::initializer_list<const char*> addresses) {
    policy::Names::Addresses all;
    for (const char* text : addresses)
        all.push_back(address(text));
    names.set(names.index(name).value(), std::move(all));
}
