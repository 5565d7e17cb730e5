#include "libudpserver/control/control_answer.hpp"

#include "libudpserver/control/answer_line.hpp"
#include "libudpserver/control/control_client.hpp"

namespace control {

struct Answer::Ticket {
    Ticket(std::weak_ptr<ControlClient*> client, std::uint64_t request, Peer who)
        : alive(std::move(client)), number(request), peer(std::move(who)) {}
    ~Ticket() { abandon(*this); }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    std::weak_ptr<ControlClient*> alive;
    std::uint64_t number;
    Peer peer;
};

Answer::Answer(std::weak_ptr<ControlClient*> client, std::uint64_t request, Peer peer)
    : ticket_(std::make_shared<Ticket>(std::move(client), request, std::move(peer))) {}

void Answer::abandon(const Ticket& ticket) {
    if (const auto living = ticket.alive.lock())
        (*living)->finish(ticket.number, error_line(Code::failed, "the command returned no answer"));
}

ControlClient* Answer::client() const {
    const auto living = ticket_->alive.lock();
    return living && (*living)->is_answering(ticket_->number) ? *living : nullptr;
}

bool Answer::lines(std::string_view text) {
    if (!writable()) return false;
    if (!text.empty()) client()->write(text);
    return true;
}

void Answer::end() {
    end_with(end_line());
}

void Answer::fail(Code code, std::string_view text) {
    end_with(error_line(code, text));
}

void Answer::end_with(std::string_view line) {
    if (ControlClient* const to = client()) to->finish(ticket_->number, line);
}

bool Answer::open() const {
    return client() != nullptr;
}

bool Answer::writable() const {
    const ControlClient* const to = client();
    return to && to->has_room();
}

void Answer::on_writable(std::function<void()> callback) {
    ControlClient* const to = client();
    if (!to) return;
    to->on_writable_ = std::move(callback);
    to->kick();
}

void Answer::on_closed(std::function<void()> callback) {
    if (ControlClient* const to = client()) to->on_gone_ = std::move(callback);
}

const Peer& Answer::peer() const {
    return ticket_->peer;
}

}  // namespace control
