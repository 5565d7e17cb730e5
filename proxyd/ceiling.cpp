#include "proxyd/ceiling.hpp"

#include <fmt/core.h>

#include "base/text.hpp"
#include "libudpserver/session/socket_leases.hpp"

namespace proxyd {

namespace {

std::size_t a_second(std::size_t sockets, base::Duration quarantine) {
    return sockets * 1000 / static_cast<std::size_t>(quarantine.count());
}

}  // namespace

std::string ceiling_text(std::string_view what, const net::PoolGroup& group, std::size_t sockets,
                         base::Duration quarantine) {
    std::string text = fmt::format("server-side {} of {}: at most {}", what, net::to_string(group), sockets);
    if (quarantine <= base::Duration(0)) return text + ", and no quarantine limits new sessions";
    text += fmt::format(", so {} new sessions per second with a quarantine of {}",
                        a_second(sockets, quarantine), base::format_duration(quarantine));
    constexpr base::Duration shortened = session::SocketLeases::min_quarantine;
    if (quarantine <= shortened) return text;
    return text + fmt::format(", and {} if it is shortened to {}", a_second(sockets, shortened),
                              base::format_duration(shortened));
}

}  // namespace proxyd
