#pragma once

#include <string_view>
#include <vector>

#include "base/log_channels.hpp"
#include "base/log_sink.hpp"

namespace base::log {

/// Sends lines to the process that writes them. A full channel costs lines, which are counted.
class ChannelSink : public Sink {
public:
    /// `channels` must outlive it. `standard_error`: the log is written there, so it must stay open.
    ChannelSink(Channels& channels, bool standard_error)
        : channels_(channels), channel_(&channels.of("")), standard_error_(standard_error) {}

    bool write(const LineFormat& format, const Line& line) override;
    /// From now on uses the channel of that role.
    void after_fork(std::string_view role) override {
        channel_ = &channels_.of(role);
        if (role.empty()) return;
        standard_error_ = false;  // the parent keeps it for the next LOG
        channels_.keep_only(*channel_);
    }
    [[nodiscard]] std::vector<int> descriptors() const override;
    void may_wait() override { patient_ = true; }
    bool take_lost(std::uint64_t lines) override;
    [[nodiscard]] bool is_relayed() const override { return true; }

private:
    [[nodiscard]] bool send(std::string_view packet) const;
    [[nodiscard]] bool wait_for_room();

    Channels& channels_;
    Channel* channel_;
    bool standard_error_;
    bool patient_ = false;  ///< the caller is a thread that nobody waits for
    bool stalled_ = false;  ///< the last wait for room was in vain
};

}  // namespace base::log
