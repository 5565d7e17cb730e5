#include <clocale>
#include <cstdio>

#include "proxyctl/completion.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/interactive.hpp"
#include "proxyctl/options.hpp"
#include "proxyctl/run.hpp"

namespace {

/// For the shell: one candidate a line.
int print_candidates(const proxyctl::Options& options) {
    const proxyctl::Settings& settings = options.settings;
    for (const std::string& word : complete(options.words, settings, proxyctl::ask_instance(settings)))
        std::printf("%s\n", word.c_str());
    return proxyctl::exit_status::good;
}

int run(const std::vector<std::string>& words) {
    proxyctl::Settings settings;
    settings.places = proxyctl::Places::from_environment();
    const proxyctl::Options options = proxyctl::parse_options(words, settings);
    if (options.complete) return print_candidates(options);
    if (options.help || options.version) {
        std::fputs(options.help ? proxyctl::usage().c_str() : "proxyctl " PROXYD_VERSION "\n", stdout);
        return proxyctl::exit_status::good;
    }
    if (options.words.empty()) return proxyctl::run_interactive(options.settings);
    return proxyctl::run_command(options.settings, options.words, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    // Only the form of characters: numbers stay as JSON has them.
    std::setlocale(LC_CTYPE, "");
    return proxyctl::report([&] { return run({argv + 1, argv + argc}); });
}
