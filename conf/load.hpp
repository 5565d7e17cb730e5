#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"
#include "conf/error.hpp"

namespace conf {

struct System;

struct LoadResult {
    Config config;              ///< complete only when `errors` is empty
    std::vector<Error> errors;  ///< all errors of the file, in its order
    std::vector<Error> warnings;
    [[nodiscard]] bool ok() const { return errors.empty(); }
};

/// `path`, or if there is only the same file with the other ending (`.yaml`, `.yml`), that one.
std::string file_or_sibling(const std::string& path);

/// Reads at most 1 MiB, nested at most 32 deep. `known_proxies` are the values that `proxy` may have.
LoadResult load_file(const std::string& path, const std::vector<std::string>& known_proxies);
LoadResult load_text(std::string_view text, const std::string& file,
                     const std::vector<std::string>& known_proxies);
/// The same for a machine that the caller describes.
LoadResult load_text(std::string_view text, const std::string& file,
                     const std::vector<std::string>& known_proxies, const System& system);

/// The effective configuration, defaults included, as YAML that the loader reads back to the same Config
/// (unless thousands of rules make it larger than a file may be).
std::string print(const Config& config);

/// FNV-1a of print(): equal for equal configurations, however they are written (K-30).
std::uint64_t fingerprint(const Config& config);

}  // namespace conf
