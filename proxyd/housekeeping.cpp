#include "proxyd/housekeeping.hpp"

#include "base/log.hpp"

namespace proxyd {

void Housekeeping::wait() {
    timer_.expires_after(std::chrono::minutes(1));
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        if (const std::string line = server_.statistics().housekeeping(); !line.empty()) {
            base::log::write(base::msg::housekeeping, "{}", line);
        }
        wait();
    });
}

void log_info(session::Server& server) {
    server.info([](const std::vector<std::string>& lines) {
        for (const std::string& line : lines)
            base::log::write(base::msg::info, "{}", line);
    });
}

}  // namespace proxyd
