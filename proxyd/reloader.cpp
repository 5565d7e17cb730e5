#include "proxyd/reloader.hpp"

#include <exception>

#include "base/log.hpp"
#include "conf/changes.hpp"

namespace proxyd {

namespace {

/// An answer to a command is bounded; the log has all of them.
constexpr std::size_t most_errors = 20;

std::string joined(const std::vector<std::string>& texts, const char* separator) {
    std::string all;
    for (const std::string& text : texts)
        all += (all.empty() ? "" : separator) + text;
    return all;
}

std::string errors_of(const conf::LoadResult& loaded, const std::string& file) {
    std::vector<std::string> texts;
    for (const conf::Error& error : loaded.errors) {
        if (texts.size() == most_errors) {
            texts.push_back("and " + std::to_string(loaded.errors.size() - most_errors) + " more");
            break;
        }
        texts.push_back(conf::to_string(error, file));
    }
    return joined(texts, "\n");
}

}  // namespace

Reloader::Result Reloader::reload(bool check_only, const std::string& who) {
    Result result;
    try {
        std::shared_ptr<const conf::Config> next;
        result = read(next);
        const std::size_t warnings = result.lines.size();
        if (result.refused.empty()) {
            for (std::string& line : conf::differences(config(), *next))
                result.lines.push_back(std::move(line));
        }
        const std::size_t lines = result.lines.size() - warnings;
        if (check_only) return result;
        if (result.refused.empty()) {
            if (lines > 0) take(next);
            base::log::write(
                base::msg::reloaded, "{}: the configuration was read again: {}", who,
                lines > 0 ? std::to_string(lines) + " lines of it are other ones" : "it is the same");
            return result;
        }
    } catch (const std::exception& error) {
        result = {.refused = error.what(), .lines = {}};
    }
    if (!check_only)
        base::log::write(base::msg::reload_refused, "{}: the configuration stays as it was: {}", who,
                         result.refused);
    return result;
}

Reloader::Result Reloader::read(std::shared_ptr<const conf::Config>& next) const {
    if (supervisor_.stopping()) return {.refused = "the proxy ends", .lines = {}};
    if (supervisor_.paused()) return {.refused = "an upgrade is under way", .lines = {}};
    conf::LoadResult loaded = load_();
    const std::string& file = config().file;
    if (!loaded.ok()) return {.refused = errors_of(loaded, file), .lines = {}};
    const std::vector<std::string> keys = conf::changes_for_restart(config(), loaded.config);
    if (!keys.empty())
        return {.refused = file + ": cannot change while the proxy runs: " + joined(keys, ", ") +
                           "; restart proxyd for that",
                .lines = {}};
    Result result;
    for (const conf::Error& warning : loaded.warnings)
        result.lines.push_back("warning: " + conf::to_string(warning, file));
    next = std::make_shared<const conf::Config>(std::move(loaded.config));
    return result;
}

/// Up to apply() anything may fail, and nothing has changed.
void Reloader::take(const std::shared_ptr<const conf::Config>& next) {
    const std::shared_ptr<const conf::Config> before = roles_.config();
    const process::Settings settings = settings_for(*next);
    Resources::Change change = resources_.prepare(*next);
    resources_.apply(std::move(change), before);
    if (next->log.level != before->log.level) base::log::set_level(next->log.level);
    resources_.warn_if_short(*next);
    roles_.change(next, settings);
}

}  // namespace proxyd
