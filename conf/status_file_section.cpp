#include "conf/section.hpp"
#include "conf/sections.hpp"
#include "conf/words.hpp"

namespace conf {

void read_status_file(const Place& place, StatusFile& status_file) {
    constexpr Duration shortest = std::chrono::seconds(1), longest = std::chrono::hours(24);
    Section section(place);
    section.required("path", status_file.path, absolute_path());
    section.optional("every", status_file.every, duration(shortest, longest));
    section.optional("format", status_file.format, choice(status_formats()));
    section.finish();
}

}  // namespace conf
