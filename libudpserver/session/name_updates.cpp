#include "libudpserver/session/name_updates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "libudpserver/session/server.hpp"

namespace session {

namespace {

std::string_view text_of(conf::OnNameChange action) {
    switch (action) {
        case conf::OnNameChange::keep:
            return "kept";
        case conf::OnNameChange::move:
            return "moved";
        case conf::OnNameChange::close:
            break;
    }
    return "closed";
}

}  // namespace

void NameUpdates::update(const std::string& name, policy::Names::Addresses addresses, bool unresolved) {
    const std::optional<std::size_t> index = names_.index(name);
    if (!index) return;
    const bool running = progress_[*index].running;
    if (running && unresolved) return;
    Change change{.name = *index,
                  .before = names_.addresses(*index),
                  .after = {},
                  .first = !names_.known(*index),
                  .unresolved = unresolved};
    if (unresolved) {
        names_.set_unresolved(*index);
    } else {
        names_.set(*index, std::move(addresses));
    }
    if (running) {
        progress_[*index].pending = true;
        return;
    }
    change.after = names_.addresses(*index);
    apply(change);
}

void NameUpdates::apply(const Change& change) {
    progress_[change.name].running = true;
    const auto left = std::make_shared<std::vector<std::size_t>>(server_.workers());
    server_.for_all_workers(
        [left, change](unsigned worker, SessionEngine& engine) {
            (*left)[worker] =
                engine.update_name(change.name, change.after, change.unresolved, base::MonotonicClock::now());
        },
        [this, left, change, effect = effect_on_sessions(names_.name(change.name))] {
            on_applied(change, effect, std::accumulate(left->begin(), left->end(), std::size_t{0}));
        });
}

void NameUpdates::on_applied(const Change& change, const std::string& effect, std::size_t sessions) {
    if (change.first || change.before != change.after) {
        const std::string moved =
            effect.empty() ? "" : fmt::format(", {} sessions on removed addresses ({})", sessions, effect);
        base::log::write(change.first ? base::msg::debug : base::msg::name_changed, "name {}: {} -> {}{}",
                         names_.name(change.name), base::to_string(change.before),
                         base::to_string(change.after), moved);
    }
    Progress& progress = progress_[change.name];
    progress.running = false;
    if (std::exchange(progress.pending, false))
        apply({.name = change.name, .before = change.after, .after = names_.addresses(change.name)});
}

bool NameUpdates::has_server(const conf::Rule& rule) const {
    return std::ranges::any_of(rule.plug_to, [this](const conf::Server& server) {
        return server.name.empty() || !names_.addresses(*names_.index(server.name)).empty();
    });
}

/// What on-name-change does with sessions on removed addresses. Empty: no rule has the name as its server.
std::string NameUpdates::effect_on_sessions(const std::string& name) const {
    std::set<std::string_view> effects;
    for (const conf::Rule& rule : config_.session_acl)
        for (const conf::Server& server : rule.plug_to)
            if (server.name == name)
                effects.insert(rule.on_name_change == conf::OnNameChange::move && !has_server(rule)
                                   ? "kept, there is no other server"
                                   : text_of(rule.on_name_change));
    if (effects.empty()) return {};
    return effects.size() == 1 ? std::string(*effects.begin()) : "as their rules say";
}

}  // namespace session
