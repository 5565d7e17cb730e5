#include <sys/un.h>

#include "conf/section.hpp"
#include "conf/sections.hpp"

namespace conf {
namespace {

constexpr std::size_t longest_group = 32;  // as groupadd(8) has it
constexpr std::size_t longest_socket = sizeof(sockaddr_un::sun_path) - 1;
constexpr unsigned others_may_connect = 0006;

void read_socket(const Place& place, Control& control) {
    const std::string what =
        "none or an absolute path of at most " + std::to_string(longest_socket) + " bytes";
    const std::string* text = place.scalar(what);
    if (!text) return;
    if (*text == "none") {
        control.enabled = false;
    } else if (is_absolute_path(*text) && text->size() <= longest_socket) {
        control.socket = *text;
    } else {
        place.refuse(shown(*text) + " is no place for a socket", what, *text, {"none"});
    }
}

/// Octal digits as chmod(1) has them. The owner must be able to use his own socket.
void read_mode(const Place& place, unsigned& mode) {
    const std::string what = "four octal digits, '0600' to '0777'";
    const std::string* text = place.scalar(what);
    if (!text) return;
    const bool octal = text->size() == 4 && text->find_first_not_of("01234567") == std::string::npos;
    const unsigned value = octal ? static_cast<unsigned>(std::stoul(*text, nullptr, 8)) : 0;
    if (value < 0600 || value > 0777) return place.refuse(shown(*text) + " is no mode of a socket", what);
    mode = value;
}

}  // namespace

void read_control(const Place& place, Control& control) {
    Section section(place);
    if (const auto socket = section.child("socket")) read_socket(*socket, control);
    if (const auto mode = section.child("mode")) read_mode(*mode, control.mode);
    section.optional("group", control.group, word(longest_group));
    section.optional("read-only-group", control.read_only_group, word(longest_group));
    section.finish();
    // The file has one group, so the other one's members come in as others.
    const bool two_groups = !control.group.empty() && !control.read_only_group.empty();
    if (two_groups && control.group != control.read_only_group &&
        (control.mode & others_may_connect) != others_may_connect)
        place.warn(
            "the socket file belongs to 'group', so members of 'read-only-group' cannot open it; mode '0666' "
            "lets them, and others are still refused");
}

}  // namespace conf
