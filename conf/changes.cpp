#include "conf/changes.hpp"

#include <algorithm>
#include <sstream>

#include "conf/load.hpp"

namespace conf {

namespace {

/// Above this many pairs of lines the exact comparison would take too long.
constexpr std::size_t max_exact_cells = 16u << 20;

std::vector<std::string> lines_of(const Config& config) {
    std::istringstream text(print(config));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);)
        lines.push_back(line);
    return lines;
}

bool same_control(const Control& a, const Control& b) {
    return a.socket == b.socket && a.enabled == b.enabled && a.mode == b.mode && a.group == b.group &&
           a.read_only_group == b.read_only_group;
}

bool begins_section(const std::string& line) {
    return !line.empty() && line.front() != ' ' && line.front() != '-' && line.front() != '#';
}

/// Walks along both texts; says which lines are gone, which are new.
class Comparison {
public:
    Comparison(std::vector<std::string> before, std::vector<std::string> after)
        : before_(std::move(before)), after_(std::move(after)) {}

    std::vector<std::string> run() {
        while (same(first_, first_))
            note_section(after_[first_++]);
        while (before_end() > first_ && after_end() > first_ &&
               before_[before_end() - 1] == after_[after_end() - 1])
            ++tail_;
        const std::size_t rows = before_end() - first_, columns = after_end() - first_;
        if (rows * columns > max_exact_cells) {
            walk_past();
        } else {
            fill_lengths(rows, columns);
            walk(columns + 1);
        }
        return std::move(result_);
    }

private:
    [[nodiscard]] std::size_t before_end() const { return before_.size() - tail_; }
    [[nodiscard]] std::size_t after_end() const { return after_.size() - tail_; }
    [[nodiscard]] bool same(std::size_t i, std::size_t j) const {
        return i < before_end() && j < after_end() && before_[i] == after_[j];
    }

    void note_section(const std::string& line) {
        if (begins_section(line)) section_ = line.substr(0, line.find(':') + 1);
    }

    void add(const char* sign, const std::string& line) {
        note_section(line);
        if (section_ != shown_ && !begins_section(line)) result_.push_back(section_);
        shown_ = section_;
        result_.push_back(sign + line);
    }

    /// lengths_: the longest common part of what follows, for each pair of lines.
    void fill_lengths(std::size_t rows, std::size_t columns) {
        lengths_.assign((rows + 1) * (columns + 1), 0);
        for (std::size_t i = rows; i-- > 0;)
            for (std::size_t j = columns; j-- > 0;)
                lengths_[i * (columns + 1) + j] = same(first_ + i, first_ + j)
                                                      ? lengths_[(i + 1) * (columns + 1) + j + 1] + 1
                                                      : std::max(lengths_[(i + 1) * (columns + 1) + j],
                                                                 lengths_[i * (columns + 1) + j + 1]);
    }

    void walk(std::size_t width) {
        std::size_t i = first_, j = first_;
        while (i < before_end() || j < after_end()) {
            const auto at = [&](std::size_t down, std::size_t right) {
                return lengths_[(i - first_ + down) * width + j - first_ + right];
            };
            if (same(i, j)) {
                note_section(after_[j]);
                ++i, ++j;
            } else if (j == after_end() || (i < before_end() && at(1, 0) >= at(0, 1))) {
                add("- ", before_[i++]);
            } else {
                add("+ ", after_[j++]);
            }
        }
    }

    void walk_past() {
        for (std::size_t i = first_; i < before_end(); ++i)
            add("- ", before_[i]);
        for (std::size_t j = first_; j < after_end(); ++j)
            add("+ ", after_[j]);
    }

    std::vector<std::string> before_, after_, result_;
    std::vector<std::uint32_t> lengths_;
    std::size_t first_ = 0, tail_ = 0;  ///< equal lines at the beginning and at the end
    std::string section_, shown_;
};

}  // namespace

std::vector<std::string> changes_for_restart(const Config& before, const Config& after) {
    std::vector<std::string> keys;
    const auto check = [&keys](bool same, const char* key) {
        if (!same) keys.emplace_back(key);
    };
    const base::LogSettings &log_before = before.log, &log_after = after.log;
    check(before.name == after.name, "name");
    check(before.proxy == after.proxy, "proxy");
    check(before.user == after.user, "user");
    check(before.singleproc == after.singleproc, "singleproc");
    check(before.nodaemon == after.nodaemon, "nodaemon");
    check(before.sandbox == after.sandbox, "sandbox");
    check(before.udpserver.server_side == after.udpserver.server_side, "udpserver.server-side");
    check(before.udpserver.server_side == ServerSide::own ||
              before.udpserver.server_ports == after.udpserver.server_ports,
          "udpserver.server-ports");
    check(before.core_dumps == after.core_dumps, "core-dumps");
    check(before.pid_file == after.pid_file, "pid-file");
    check(same_control(before.control, after.control), "control");
    check(log_before.target == log_after.target && log_before.path == log_after.path, "log.to");
    check(log_before.format == log_after.format, "log.format");
    check(log_before.facility == log_after.facility, "log.facility");
    check(log_before.on_syslog_failure == log_after.on_syslog_failure, "log.on-syslog-failure");
    check(log_before.dump_limit == log_after.dump_limit, "log.dump-limit");
    return keys;
}

std::vector<std::string> differences(const Config& before, const Config& after) {
    return Comparison(lines_of(before), lines_of(after)).run();
}

}  // namespace conf
