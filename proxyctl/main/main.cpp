#include <clocale>
#include <cstdio>

#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/run.hpp"
#include "proxyctl/terminal/completion.hpp"
#include "proxyctl/terminal/interactive.hpp"

namespace {

/// For the shell: one candidate per line. One that a terminal would not show as it is cannot be chosen.
int print_candidates(const proxyctl::CommandLine& line) {
    const proxyctl::Settings& settings = line.settings;
    for (const std::string& word : complete(line.words, settings, proxyctl::query_instance(settings)))
        if (proxyctl::visible(word) == word) std::printf("%s\n", word.c_str());
    return proxyctl::exit_status::good;
}

int run(const std::vector<std::string>& words) {
    proxyctl::Settings settings;
    settings.places = proxyctl::Places::from_environment();
    const proxyctl::CommandLine line = proxyctl::parse_command_line(words, settings);
    if (line.complete) return print_candidates(line);
    if (line.help || line.version) {
        std::fputs(line.help ? proxyctl::usage().c_str() : "proxyctl " PROXYD_VERSION "\n", stdout);
        return proxyctl::exit_status::good;
    }
    if (line.words.empty()) return proxyctl::run_interactive(line.settings);
    return proxyctl::run_command(line.settings, line.words, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    // Not for numbers, which keep the form of JSON.
    std::setlocale(LC_CTYPE, "");
    return proxyctl::report([&] { return run({argv + 1, argv + argc}); });
}
