#include "libudpserver/process/signal_source.hpp"

#include <poll.h>

#include <utility>

namespace process {

using boost::asio::posix::stream_descriptor;

SignalSource::SignalSource(boost::asio::io_context& io, base::SignalInbox& inbox)
    : inbox_(inbox), wake_(io) {}

SignalSource::~SignalSource() {
    stop();
}

void SignalSource::start(Callback callback) {
    callback_ = std::make_shared<Callback>(std::move(callback));
    wake_.assign(inbox_.descriptor());
    wait();
}

void SignalSource::stop() {
    callback_.reset();
    // The inbox owns the descriptor, so it is released, not closed.
    if (wake_.is_open()) wake_.release();
}

bool SignalSource::has_pending() const {
    pollfd wake{inbox_.descriptor(), POLLIN, 0};
    return ::poll(&wake, 1, 0) > 0;
}

void SignalSource::wait() {
    wake_.async_wait(stream_descriptor::wait_read,
                     [this, weak = std::weak_ptr(callback_)](boost::system::error_code error) {
                         if (error || weak.expired()) return;
                         const auto taken = inbox_.take();
                         wait();
                         if (const auto callback = weak.lock()) (*callback)(taken);
                     });
}

}  // namespace process
