#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "proxyd/status_writer.hpp"

namespace proxyd {

/// Takes a status file in pieces. Each function calls `then` once it has taken its part, perhaps before it
/// returns; false: it has failed, and the rest of this file is not wanted.
class StatusTarget {
public:
    using Then = std::function<void(bool)>;

    StatusTarget() = default;
    virtual ~StatusTarget() = default;
    StatusTarget(const StatusTarget&) = delete;
    StatusTarget& operator=(const StatusTarget&) = delete;

    virtual void begin(Then then) = 0;
    virtual void put(std::string text, Then then) = 0;
    virtual void finish(Then then) = 0;
};

/// For singleproc: writes the file itself.
class LocalStatusTarget : public StatusTarget {
public:
    explicit LocalStatusTarget(const std::string& path) : writer_(path) {}
    void begin(Then then) override { then(writer_.begin()); }
    void put(std::string text, Then then) override { then(writer_.put(text)); }
    void finish(Then then) override { then(writer_.finish()); }

private:
    StatusWriter writer_;
};

/// Sends the pieces to LOG. If LOG is slow they wait here, one file at a time.
class RemoteStatusTarget : public StatusTarget {
public:
    /// `sender` stays open as long as this object.
    RemoteStatusTarget(boost::asio::io_context& io, int sender) : socket_(io, sender) {}
    ~RemoteStatusTarget() override;
    RemoteStatusTarget(const RemoteStatusTarget&) = delete;
    RemoteStatusTarget& operator=(const RemoteStatusTarget&) = delete;

    void begin(Then then) override { send(std::string(1, status_packets::begin), std::move(then)); }
    void put(std::string text, Then then) override;
    void finish(Then then) override { send(std::string(1, status_packets::finish), std::move(then)); }

private:
    void send(std::string packet, Then then);

    boost::asio::posix::stream_descriptor socket_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// To LOG; for -1 one that refuses every file.
std::unique_ptr<StatusTarget> make_status_target(boost::asio::io_context& io, int sender);

}  // namespace proxyd
