#pragma once

#include <string_view>

namespace base {

/// Called first in main: moves the environment away, so that a title has the room of both areas. The strings
/// of argv are replaced by copies; pointers to the old ones must not be kept.
void init_process_title(int argc, char** argv);

/// Shows `proxyd: NAME [REG]` in ps, `proxyd: NAME` without a role, and names the thread `proxyd[REG]`. A
/// title that does not fit is cut. Without init_process_title() only the thread gets its name.
void set_process_title(std::string_view instance, std::string_view role);

}  // namespace base
