#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>

#include "base/signals.hpp"

namespace process {

/// Delivers the signals of an inbox to a loop. The inbox must outlive it.
class SignalSource {
public:
    using Callback = std::function<void(const base::TakenSignals&)>;

    SignalSource(boost::asio::io_context& io, base::SignalInbox& inbox);
    ~SignalSource();
    SignalSource(const SignalSource&) = delete;
    SignalSource& operator=(const SignalSource&) = delete;

    /// Calls the callback from the loop; it may call stop().
    void start(Callback callback);
    void stop();

    /// True if a signal has arrived that the callback has not received yet.
    [[nodiscard]] bool has_pending() const;

private:
    void wait();

    base::SignalInbox& inbox_;
    boost::asio::posix::stream_descriptor wake_;
    // Handlers that are already queued when this object is destroyed see that it is empty.
    std::shared_ptr<Callback> callback_;
};

}  // namespace process
