#include "proxyd/drain.hpp"

#include "libudpserver/ipc/messages.hpp"

namespace proxyd {

namespace {

constexpr base::Duration look_every{100};

}  // namespace

Drain::Drain(process::ChildRuntime& runtime, session::Server& server, bool draining)
    : runtime_(runtime), server_(server), timer_(runtime.io()) {
    runtime_.on(ipc::MessageType::drain, [this](ipc::Message& message) {
        if (!ipc::read<ipc::Drain>(message)) return runtime_.parent().refuse("a malformed drain");
        begin();
    });
    if (draining) begin();
}

void Drain::begin() {
    server_.drain();
    look();
}

void Drain::look() {
    timer_.expires_after(look_every);
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        if (server_.open() > 0) return look();
        runtime_.parent().send(ipc::Drained{});
    });
}

}  // namespace proxyd
