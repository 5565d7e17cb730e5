#include "proxyctl/service.hpp"

#include <algorithm>
#include <filesystem>

namespace proxyctl {

namespace {

namespace fs = std::filesystem;

/// That the units of the package start from.
constexpr const char* service_conf_dir = "/etc/proxyd";
/// sd_booted(3) asks for this folder.
constexpr const char* booted = "/run/systemd/system";
constexpr const char* unit_dirs[] = {"/etc/systemd/system", "/run/systemd/system",
                                     "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
                                     "/lib/systemd/system"};

bool is_there(const fs::path& path) {
    std::error_code error;
    return fs::exists(path, error);
}

/// Characters that a unit's name has as they are, without systemd-escape(1).
bool is_plain(const std::string& name) {
    return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.-") ==
           std::string::npos;
}

}  // namespace

std::string unit_of(const Instance& instance) {
    const fs::path file = instance.config.file;
    const std::string stem = file.stem().string();
    if (file.parent_path() != service_conf_dir || !is_plain(stem) || !is_there(booted)) return {};
    // Of two files with one name the unit starts this one.
    if (file.extension() == ".yml" && is_there(fs::path(file).replace_extension(".yaml"))) return {};
    const bool single = stem == "proxyd";
    const std::string unit_file = single ? "proxyd.service" : "proxyd@.service";
    const bool found = std::any_of(std::begin(unit_dirs), std::end(unit_dirs), [&](const char* folder) {
        return is_there(fs::path(folder) / unit_file);
    });
    if (!found) return {};
    return single ? unit_file : "proxyd@" + stem + ".service";
}

std::string log_of(const Instance& instance) {
    const std::string unit = unit_of(instance);
    return unit.empty() ? "the log" : "`journalctl -u " + unit + "`";
}

}  // namespace proxyctl
