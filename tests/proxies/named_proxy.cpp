#include "tests/proxies/named_proxy.hpp"

#include <charconv>
#include <string>

namespace proxies {

namespace {

using base::LookupAnswer;
using session::SessionContext;
using session::Verdict;

struct Wanted {
    std::string name;
    std::uint16_t port = 0;
};

/// Port 0 when the text is none of ours.
Wanted parse(std::span<const std::byte> payload) {
    const std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
    const std::string_view word = text.substr(0, text.find(' '));
    const std::size_t colon = word.rfind(':');
    if (colon == std::string_view::npos) return {};
    Wanted wanted{std::string(word.substr(0, colon)), 0};
    std::from_chars(word.data() + colon + 1, word.data() + word.size(), wanted.port);
    return wanted;
}

class NamedHandler : public session::SessionHandler {
public:
    explicit NamedHandler(bool connected) : connected_(connected) {}

    Verdict on_client(SessionContext& session, net::Datagram& datagram) override {
        if (connected_) return Verdict::forward;
        const Wanted wanted = parse(datagram.payload);
        if (wanted.port == 0) return Verdict::close;
        session.resolve(wanted.name,
                        [this, port = wanted.port](SessionContext& at, const LookupAnswer& answer) {
                            connect(at, answer, port);
                        });
        return Verdict::hold;
    }
    Verdict on_server(SessionContext&, net::Datagram&) override { return Verdict::forward; }

private:
    void connect(SessionContext& session, const LookupAnswer& answer, std::uint16_t port) {
        if (is_failure(answer.status)) return;  // the engine ends the session
        if (answer.addresses.empty() || !session.set_server({answer.addresses.front(), port}))
            return session.close();
        connected_ = true;
        session.state()[0] = std::byte{1};  // the next REG does not ask again
        session.resume();
    }

    bool connected_;
};

}  // namespace

std::unique_ptr<session::SessionHandler> NamedProxy::open(session::SessionContext& session) {
    return std::make_unique<NamedHandler>(session.state()[0] == std::byte{1});
}

}  // namespace proxies
