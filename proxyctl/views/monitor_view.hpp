#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "proxyctl/row.hpp"
#include "proxyctl/table.hpp"

/// What the monitor shows. Pure functions.
namespace proxyctl {

/// Traffic rates of sessions between two answers.
class SessionRates {
public:
    /// Adds the fields `up_bytes` and `down_bytes`, the bytes per second from the client and from the server;
    /// 0 for a session that the previous answer did not have.
    void add_to(std::vector<Row>& rows, base::Instant now);

    [[nodiscard]] double up() const { return total_.up; }
    [[nodiscard]] double down() const { return total_.down; }

private:
    struct Bytes {
        double up = 0, down = 0;
    };
    std::map<std::string, Bytes> before_;  ///< the counters of the previous answer, by id
    std::optional<base::Instant> last_;
    Bytes total_;
};

/// The order of the sessions, which keys change.
struct MonitorOrder {
    std::string key = "up_bytes";
    bool reversed = false;

    /// False if the key has no meaning here.
    bool press(char letter);
};

struct MonitorFrame {
    std::string name;
    std::vector<Row> rows;
    std::string error;  ///< why the rows are old
    base::Duration age{0};
    double up = 0, down = 0;
    bool is_cut = false;  ///< there are more sessions
};

/// The lines for a screen of this size, the sessions in order.
std::vector<TableLine> monitor_lines(MonitorFrame frame, const MonitorOrder& order, std::size_t width,
                                     std::size_t height);

}  // namespace proxyctl
