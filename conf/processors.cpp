#include "conf/processors.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <thread>

namespace conf {
namespace {

std::optional<unsigned long long> take_number(std::string_view& text) {
    unsigned long long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value == 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

std::string text_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

unsigned allowed_processors() {
    cpu_set_t set;
    // A machine with more processors than the set holds.
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return std::thread::hardware_concurrency();
    return static_cast<unsigned>(CPU_COUNT(&set));
}

}  // namespace

std::optional<unsigned> processor_quota(std::string_view cpu_max) {
    const auto quota = take_number(cpu_max);
    if (!quota || !cpu_max.starts_with(' ')) return std::nullopt;
    cpu_max.remove_prefix(1);
    const auto period = take_number(cpu_max);
    if (!period) return std::nullopt;
    return static_cast<unsigned>(std::min((*quota - 1) / *period + 1, 1'000'000ull));
}

std::vector<std::string> control_groups(std::string_view proc_cgroup) {
    constexpr std::string_view version_2 = "0::";
    while (!proc_cgroup.empty() && !proc_cgroup.starts_with(version_2))
        proc_cgroup.remove_prefix(std::min(proc_cgroup.find('\n'), proc_cgroup.size() - 1) + 1);
    if (proc_cgroup.empty()) return {};
    proc_cgroup.remove_prefix(version_2.size());
    std::string path(proc_cgroup.substr(0, proc_cgroup.find('\n')));
    std::vector<std::string> groups;
    for (; path.size() > 1; path.resize(path.rfind('/')))
        groups.push_back(path);
    return groups;
}

unsigned usable_processors(unsigned allowed, const std::vector<std::string>& cpu_max_files) {
    for (const std::string& text : cpu_max_files)
        allowed = std::min(allowed, processor_quota(text).value_or(allowed));
    return std::max(1u, allowed);
}

unsigned usable_processors() {
    const std::string root = "/sys/fs/cgroup";
    // In a container the root is the container's group, which has limits of its own.
    std::vector<std::string> files{text_of(root + "/cpu.max")};
    for (const std::string& group : control_groups(text_of("/proc/self/cgroup")))
        files.push_back(text_of(root + group + "/cpu.max"));
    return usable_processors(allowed_processors(), files);
}

}  // namespace conf
