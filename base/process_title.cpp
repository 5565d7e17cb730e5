#include "base/process_title.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

namespace base {
namespace {

char* area = nullptr;
std::size_t area_size = 0;

// Takes `text` in if it continues the area; the kernel lays arguments and environment out without gaps.
void extend(char*& end, char* text) {
    if (text == end) end += std::strlen(text) + 1;
}

}  // namespace

void init_process_title(int argc, char** argv) {
    if (area != nullptr || argc < 1 || argv[0] == nullptr) return;
    char* end = argv[0];
    for (int i = 0; i < argc; ++i)
        extend(end, argv[i]);
    std::size_t variables = 0;
    while (environ != nullptr && environ[variables] != nullptr)
        extend(end, environ[variables++]);

    // The copies live as long as the process. glibc itself keeps pointers to argv[0] for messages.
    auto* moved = new char* [variables + 1] {};
    for (std::size_t i = 0; i < variables; ++i)
        moved[i] = ::strdup(environ[i]);
    area = argv[0];
    area_size = static_cast<std::size_t>(end - area);
    for (int i = 0; i < argc; ++i)
        argv[i] = ::strdup(argv[i]);
    environ = moved;
    program_invocation_name = argv[0];
    const char* slash = std::strrchr(argv[0], '/');
    program_invocation_short_name = slash != nullptr ? argv[0] + (slash - argv[0]) + 1 : argv[0];
}

void set_process_title(std::string_view instance, std::string_view role) {
    const auto bracketed = role.empty() ? std::string() : '[' + std::string(role) + ']';
    ::prctl(PR_SET_NAME, ("proxyd" + bracketed).c_str(), 0, 0, 0);
    if (area_size == 0) return;
    auto title = "proxyd: " + std::string(instance);
    if (!bracketed.empty()) title += ' ' + bracketed;
    title.resize(std::min(title.size(), area_size - 1));
    std::memset(area, 0, area_size);
    std::memcpy(area, title.data(), title.size());
}

}  // namespace base
