#include "conf/checks.hpp"

namespace conf {

void check(const Config& config, const System& system, Report& report) {
    check_listeners(config, system, report);
    check_lists(config, report);
    check_rules(config, system, report);
    check_host_names(config, report);
    check_paths(config, report);
}

}  // namespace conf
