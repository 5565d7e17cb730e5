#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>

#include "base/signals.hpp"

namespace process {

/// Brings the signals of an inbox into a loop. The inbox must live longer.
class SignalSource {
public:
    using Callback = std::function<void(const base::TakenSignals&)>;

    SignalSource(boost::asio::io_context& io, base::SignalInbox& inbox);
    ~SignalSource();
    SignalSource(const SignalSource&) = delete;
    SignalSource& operator=(const SignalSource&) = delete;

    /// From now on the callback is called from the loop; it may call stop().
    void start(Callback callback);
    void stop();

    /// Something has come that the callback has not been told yet.
    [[nodiscard]] bool waiting() const;

private:
    void wait();

    base::SignalInbox& inbox_;
    boost::asio::posix::stream_descriptor wake_;
    // Handlers that are already on their way when this object dies see that it is empty.
    std::shared_ptr<Callback> callback_;
};

}  // namespace process
