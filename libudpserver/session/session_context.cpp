#include "libudpserver/session/session_context.hpp"

#include "libudpserver/session/sessions.hpp"

namespace session {

const Record& SessionContext::record() const {
    return sessions_.record(slot_);
}

std::span<std::byte, 64> SessionContext::state() {
    return sessions_.record(slot_).proxy;
}

bool SessionContext::set_server(const Endpoint& server) {
    return sessions_.set_server(slot_, server, now_);
}

void SessionContext::resolve(const std::string& name, Resolved done) {
    sessions_.resolve(slot_, name, std::move(done));
}

void SessionContext::resume() {
    sessions_.resume(slot_);
}

void SessionContext::send_to_client(std::span<const std::byte> payload) {
    sessions_.queue_to_client(slot_, payload, 0, record().local);
    sessions_.out_.flush();  // the payload is the caller's and goes with this call
}

void SessionContext::send_to_server(std::span<const std::byte> payload) {
    if (record().socket == none) return;  // in Proxy::open there is none yet
    sessions_.queue_to_server(slot_, payload, 0);
    sessions_.out_.flush();
}

void SessionContext::close() {
    sessions_.end(slot_, CloseReason::proxy);
}

}  // namespace session
