#include "proxyd/options.hpp"

#include <getopt.h>

#include <cstdio>

#include "conf/load.hpp"

namespace proxyd {

namespace {

/// The usual long options, one for programs and one for packages; all others have one letter.
constexpr int handover_option = 256, selftest_option = 257;
constexpr option long_names[] = {{"help", no_argument, nullptr, 'h'},
                                 {"version", no_argument, nullptr, 'V'},
                                 {"handover", no_argument, nullptr, handover_option},
                                 {"selftest", required_argument, nullptr, selftest_option},
                                 {nullptr, 0, nullptr, 0}};

bool apply(Options& options, int letter, const char* argument) {
    switch (letter) {
        case 'd':
            options.foreground = true;
            return true;
        case 'n':
            options.check_only = true;
            return true;
        case 's':
            options.single_process = true;
            return true;
        case 'v':
            ++options.verbose;
            return true;
        case 'h':
            options.help = true;
            return true;
        case 'V':
            options.version = true;
            return true;
        case handover_option:
            options.handover = true;
            return true;
        case selftest_option:
            options.selftest = true;
            return argument == std::string("sandbox");
        case 'f':
            options.file = argument;
            return true;
        case 't':
            options.evaluate = argument;
            return true;
        default:
            return false;
    }
}

bool complain(const std::string& text) {
    std::fprintf(stderr, "proxyd: %s\n%s", text.c_str(), usage().c_str());
    return false;
}

bool complete(const Options& options, int rest, char** argv) {
    if (options.about()) return true;
    if (argv[rest] != nullptr) return complain("unexpected argument \"" + std::string(argv[rest]) + "\"");
    if (options.file.empty()) return complain("no configuration file (-f FILE)");
    return true;
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv) {
    Options options;
    opterr = 0;
    for (int letter; (letter = ::getopt_long(argc, argv, ":dnsvhVf:t:", long_names, nullptr)) != -1;) {
        if (apply(options, letter, optarg)) continue;
        const std::string option =
            optopt == 0 ? argv[optind - 1] : std::string("-") + static_cast<char>(optopt);
        complain(letter == ':' ? "option " + option + " needs an argument" : "unknown option " + option);
        return std::nullopt;
    }
    if (!complete(options, optind, argv)) return std::nullopt;
    options.file = conf::file_or_sibling(options.file);
    return options;
}

std::string usage() {
    return "usage: proxyd [-dnsvhV] -f FILE [-t EXPRESSION]\n"
           "  -f FILE  configuration file\n"
           "  -d       stay in the foreground\n"
           "  -n       only check the configuration (exit status 0 or 1); with -v also print it with "
           "defaults\n"
           "  -s       run as a single process, for debugging\n"
           "  -t EXPR  evaluate the policy, for example -t \"from 10.1.2.3 to 10.0.1.1:53 at Mon 08:30\"; -t "
           "help\n"
           "  --selftest sandbox  try in each process what the sandbox forbids (exit status 0: all is "
           "denied)\n"
           "  -v       log more; repeatable\n"
           "  -h, -V   print this help; print the version\n";
}

}  // namespace proxyd
