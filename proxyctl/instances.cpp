#include "proxyctl/instances.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/text.hpp"
#include "conf/load.hpp"
#include "proxyctl/failure.hpp"

namespace proxyctl {

namespace {

namespace fs = std::filesystem;

std::string environment_or(const char* variable, const char* usual) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0' ? value : usual;
}

std::vector<fs::path> files_of(const std::string& folder, std::string_view extension) {
    std::vector<fs::path> files;
    std::error_code error;
    fs::directory_iterator each(folder, error);
    for (; !error && each != fs::directory_iterator(); each.increment(error)) {
        const fs::path& path = each->path();
        // Editors leave hidden files behind.
        if (path.extension() == extension && !path.filename().string().starts_with('.'))
            files.push_back(path);
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::string socket_of(const conf::Control& control, const std::string& name, const Places& places) {
    if (!control.enabled) return {};
    return control.socket.empty() ? places.run_dir + "/" + name + ".sock" : control.socket;
}

Instance by_socket(const std::string& path, const std::vector<Instance>& instances) {
    for (const Instance& instance : instances) {
        if (instance.socket == path) return instance;
    }
    Instance instance;
    instance.name = instance.socket = path;
    return instance;
}

/// Empty without errors.
std::string problem_of(const std::vector<conf::Error>& errors, const std::string& file) {
    if (errors.empty()) return {};
    const std::string first = conf::to_string(errors.front(), file);
    if (errors.size() == 1) return first;
    return first + "; `proxyd -n -f " + file + "` lists all " + std::to_string(errors.size()) + " errors";
}

std::string names_of(const std::vector<Instance>& instances) {
    std::vector<std::string> names;
    for (const Instance& instance : instances)
        names.push_back(instance.name);
    return names.empty() ? "none" : base::joined(names);
}

}  // namespace

Places Places::from_environment() {
    return {environment_or("PROXYD_RUN_DIR", "/run/proxyd"),
            environment_or("PROXYD_CONF_DIR", "/etc/proxyd")};
}

Instance instance_of_file(const std::string& path, const Places& places) {
    conf::LoadResult loaded = conf::load_file(path, {"udp"});
    Instance instance;
    // Only proxyd knows all kinds of proxies.
    std::erase_if(loaded.errors, [](const conf::Error& error) { return error.path == "proxy"; });
    instance.config = std::move(loaded.config);
    instance.config.file = fs::absolute(path).lexically_normal().string();
    instance.problem = problem_of(loaded.errors, instance.config.file);
    instance.name = instance.config.name.empty() ? fs::path(path).stem().string() : instance.config.name;
    instance.socket = socket_of(instance.config.control, instance.name, places);
    return instance;
}

std::vector<Instance> find_instances(const Places& places) {
    std::map<std::string, Instance> found;
    // Of two files for one instance the service reads the first.
    for (const char* ending : {".yaml", ".yml"}) {
        for (const fs::path& file : files_of(places.conf_dir, ending)) {
            Instance instance = instance_of_file(file.string(), places);
            found.emplace(instance.name, std::move(instance));
        }
    }
    for (const fs::path& socket : files_of(places.run_dir, ".sock")) {
        Instance instance;
        instance.name = socket.stem().string();
        instance.socket = socket.string();
        found.emplace(instance.name, std::move(instance));
    }
    std::vector<Instance> instances;
    for (auto& [name, instance] : found)
        instances.push_back(std::move(instance));
    return instances;
}

std::string no_instances(const Places& places) {
    return "no instances: no socket in " + places.run_dir + ", no configuration in " + places.conf_dir;
}

std::vector<Instance> select(const Selection& selection, const Places& places) {
    // A file is unambiguous, whatever the names of the instances.
    if (selection.name.find('/') != std::string::npos)
        return {instance_of_file(conf::file_or_sibling(selection.name), places)};
    const std::vector<Instance> instances = find_instances(places);
    if (!selection.socket.empty()) return {by_socket(selection.socket, instances)};
    if (!selection.name.empty()) {
        for (const Instance& instance : instances)
            if (instance.name == selection.name) return {instance};
        fail(exit_status::not_running, "unknown instance '{}' (found: {})", selection.name,
             names_of(instances));
    }
    if (instances.empty()) throw Failure(exit_status::not_running, no_instances(places));
    if (!selection.all && instances.size() > 1)
        fail(exit_status::misused, "{} instances found; name one, or use --all: {}", instances.size(),
             names_of(instances));
    return instances;
}

std::vector<Instance> select_or_all(const Selection& selection, const Places& places) {
    return selection.is_given() ? select(selection, places) : find_instances(places);
}

}  // namespace proxyctl
