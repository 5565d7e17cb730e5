#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "conf/load.hpp"
#include "libudpserver/base/process_title.hpp"
#include "libudpserver/session/simulate.hpp"
#include "proxyd/options.hpp"
#include "proxyd/proxies/registry.hpp"
#include "proxyd/start.hpp"

namespace {

void print_problems(const std::vector<conf::Error>& problems, const std::string& file, const char* kind) {
    for (const conf::Error& problem : problems) {
        std::fprintf(stderr, "%s%s\n", conf::to_string(problem, file).c_str(), kind);
    }
}

/// A closed standard descriptor would become a session's socket, and get what is written to stderr.
void fill_standard_descriptors() {
    int fd = ::open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = ::dup(fd);
    if (fd > STDERR_FILENO) ::close(fd);
}

std::vector<std::string> texts(const std::vector<conf::Error>& problems, const std::string& file) {
    std::vector<std::string> result;
    for (const conf::Error& problem : problems)
        result.push_back(conf::to_string(problem, file));
    return result;
}

/// The command line wins over the file.
void apply(const proxyd::Options& options, conf::Config& config) {
    config.singleproc |= options.single_process;
    config.nodaemon |= options.foreground;
    const int level = static_cast<int>(config.log.level) + static_cast<int>(options.verbose);
    config.log.level = static_cast<base::LogLevel>(std::min(level, static_cast<int>(base::LogLevel::full)));
}

int simulate(const conf::Config& config, const std::string& expression) {
    const session::Simulation simulation = session::simulate(config, expression);
    std::fputs(simulation.text.c_str(), simulation.ok ? stdout : stderr);
    return simulation.ok ? 0 : 1;
}

int check(const conf::Config& config, bool print) {
    if (print) {
        std::fputs(conf::print(config).c_str(), stdout);
    } else {
        std::printf("%s: configuration OK\n", config.file.c_str());
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    fill_standard_descriptors();
    const std::optional<proxyd::Options> options = proxyd::parse_options(argc, argv);
    if (!options) return 2;
    if (options->help || options->version) {
        std::fputs(options->help ? proxyd::usage().c_str() : "proxyd " PROXYD_VERSION "\n", stdout);
        return 0;
    }
    conf::LoadResult loaded = conf::load_file(options->file, proxies::names());
    print_problems(loaded.warnings, options->file, " (warning)");
    print_problems(loaded.errors, options->file, "");
    if (!loaded.ok()) return 1;
    if (options->simulate) return simulate(loaded.config, *options->simulate);
    if (options->check_only) return check(loaded.config, options->verbose > 0);

    base::init_process_title(argc, argv);
    apply(*options, loaded.config);
    return proxyd::start(loaded.config, texts(loaded.warnings, options->file));
}
