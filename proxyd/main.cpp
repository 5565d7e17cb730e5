#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>

#include "base/process_title.hpp"
#include "conf/accounts.hpp"
#include "conf/load.hpp"
#include "proxyd/evaluate.hpp"
#include "proxyd/options.hpp"
#include "proxyd/proxies/registry.hpp"
#include "proxyd/selftest.hpp"
#include "proxyd/start.hpp"

namespace {

void print_problems(const std::vector<conf::Error>& problems, const std::string& file, const char* kind) {
    for (const conf::Error& problem : problems) {
        std::fprintf(stderr, "%s%s\n", conf::to_string(problem, file).c_str(), kind);
    }
}

/// A closed standard descriptor would be reused for a socket, and output to stderr would go there.
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

/// The command line overrides the file.
void apply(const proxyd::Options& options, conf::Config& config) {
    config.singleproc |= options.single_process;
    config.nodaemon |= options.foreground;
    const int level = static_cast<int>(config.log.level) + static_cast<int>(options.verbose);
    config.log.level = static_cast<base::LogLevel>(std::min(level, static_cast<int>(base::LogLevel::full)));
}

int evaluate(const conf::Config& config, const std::string& expression) {
    const proxyd::Evaluation result = proxyd::evaluate(config, expression, proxyd::lookups_once(config));
    std::fputs(result.text.c_str(), result.ok ? stdout : stderr);
    return result.ok ? 0 : 1;
}

int check(const conf::Config& config, bool print) {
    const std::vector<std::string> problems = conf::account_problems(config);
    for (const std::string& problem : problems)
        std::fprintf(stderr, "%s: %s\n", config.file.c_str(), problem.c_str());
    if (!problems.empty()) return 1;
    if (print) {
        std::fputs(conf::print(config).c_str(), stdout);
    } else {
        std::printf("%s: configuration OK\n", config.file.c_str());
    }
    return 0;
}

/// The file, or after an upgrade the running configuration, even if the file has changed.
conf::LoadResult load_first(const proxyd::Options& options, const std::optional<proxyd::Handover>& handover) {
    if (handover) {
        conf::LoadResult loaded = conf::load_text(handover->config, handover->file, proxies::names());
        loaded.warnings.clear();  // they were logged when the file was read
        return loaded;
    }
    conf::LoadResult loaded = conf::load_file(options.file, proxies::names());
    if (loaded.ok()) apply(options, loaded.config);
    return loaded;
}

int run(const proxyd::Options& options, proxyd::Program program, std::optional<proxyd::Handover> handover,
        std::optional<proxyd::Candidate> candidate) {
    conf::LoadResult loaded = load_first(options, handover);
    print_problems(loaded.warnings, options.file, " (warning)");
    print_problems(loaded.errors, options.file, "");
    if (!loaded.ok()) return EX_CONFIG;
    const auto load = [&options, file = loaded.config.file] {
        conf::LoadResult again = conf::load_file(file, proxies::names());
        if (again.ok()) apply(options, again.config);
        return again;
    };
    return proxyd::start({loaded.config, texts(loaded.warnings, options.file), load, std::move(program),
                          std::move(handover), std::move(candidate)});
}

/// The exit status of -n, -t or --selftest; nothing if proxyd is to run.
std::optional<int> run_without_proxy(const proxyd::Options& options) {
    if (!options.evaluate && !options.check_only && !options.selftest) return std::nullopt;
    const conf::LoadResult loaded = conf::load_file(options.file, proxies::names());
    print_problems(loaded.warnings, options.file, " (warning)");
    print_problems(loaded.errors, options.file, "");
    if (!loaded.ok()) return 1;
    if (options.selftest) return proxyd::selftest_sandbox(loaded.config);
    return options.evaluate ? evaluate(loaded.config, *options.evaluate)
                            : check(loaded.config, options.verbose > 0);
}

int print_about(const proxyd::Options& options) {
    const std::string text = options.help      ? proxyd::usage()
                             : options.version ? "proxyd " PROXYD_VERSION "\n"
                                               : proxyd::handover_abilities();
    std::fputs(text.c_str(), stdout);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    fill_standard_descriptors();
    const std::optional<proxyd::Options> options = proxyd::parse_options(argc, argv);
    if (!options) return 2;
    if (options->about()) return print_about(*options);
    try {
        if (const auto status = run_without_proxy(*options)) return *status;
        // Before init_process_title(), which moves the arguments and the environment.
        proxyd::Program program = proxyd::Program::of(argc, argv);
        std::optional<proxyd::Handover> handover = proxyd::receive_handover();
        std::optional<proxyd::Candidate> candidate = proxyd::Candidate::from_environment();
        base::init_process_title(argc, argv);
        return run(*options, std::move(program), std::move(handover), std::move(candidate));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "proxyd: cannot start: %s\n", error.what());
        return 1;
    }
}
