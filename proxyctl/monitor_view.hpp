#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "proxyctl/row.hpp"
#include "proxyctl/table.hpp"

/// What the live picture shows. Pure calculation.
namespace proxyctl {

/// Speeds of sessions from the differences between two pictures.
class SessionSpeeds {
public:
    /// Adds the fields `up_bytes` and `down_bytes`, bytes each second from the client and from the server; 0
    /// for a session that was not in the picture before.
    void add_to(std::vector<Row>& rows, base::Instant now);

    [[nodiscard]] double up() const { return up_; }
    [[nodiscard]] double down() const { return down_; }

private:
    struct Seen {
        double up = 0, down = 0;
    };
    std::map<std::string, Seen> before_;
    std::optional<base::Instant> last_;
    double up_ = 0, down_ = 0;  ///< of all sessions
};

/// The order of the picture, as the keys change it.
struct MonitorOrder {
    std::string key = "up_bytes";
    bool turned = false;

    /// True when the key means an order.
    bool press(char letter);
};

struct MonitorPicture {
    std::string name;
    std::vector<Row> rows;
    std::string trouble;  ///< why these are not the newest
    base::Duration age{0};
    double up = 0, down = 0;
    bool cut_off = false;  ///< there are more sessions than were asked for
};

/// The lines for a window of this size, the sessions in order.
std::vector<TableLine> monitor_lines(MonitorPicture picture, const MonitorOrder& order, std::size_t width,
                                     std::size_t height);

}  // namespace proxyctl
