#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <cctype>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "resolvers/alive_guard.hpp"
#include "tests/unit/resolvers/dns_packet.hpp"

/// A question as the server got it.
struct Asked {
    Bytes packet;
    std::string name;  ///< lower case
    unsigned type = 0;
    boost::asio::ip::udp::endpoint from;
    std::shared_ptr<boost::asio::ip::tcp::socket> tcp;  ///< by TCP; then `from` is empty

    explicit Asked(Bytes bytes) : packet(std::move(bytes)) {
        std::size_t at = 12;
        while (at < packet.size() && packet[at] != 0) {
            if (!name.empty()) name += '.';
            const std::size_t end = at + 1 + packet[at];
            for (++at; at < end; ++at)
                name += static_cast<char>(std::tolower(packet[at]));
        }
        type = static_cast<unsigned>(packet.at(at + 1) << 8 | packet.at(at + 2));
    }
};

/// A name server on loopback, UDP and TCP, that does with each question what the test's script says: answer,
/// lie, be silent. Runs in the test's own loop.
class EvilServer {
public:
    using Script = std::function<void(EvilServer&, const Asked&)>;

    EvilServer(boost::asio::io_context& io, Script script, const std::string& address = "127.0.0.1")
        : address_(boost::asio::ip::make_address(address)),
          io_(io),
          script_(std::move(script)),
          udp_(io),
          other_(io, {address_, 0}),
          acceptor_(io) {
        while (!bind()) {
        }
        acceptor_.listen();
        receive();
        accept();
    }

    [[nodiscard]] base::Endpoint endpoint() const {
        return {*base::parse_address(address_.to_string()), udp_.local_endpoint().port()};
    }

    void send(const Asked& asked, const Bytes& bytes) {
        boost::system::error_code ignored;
        if (!asked.tcp) {
            udp_.send_to(boost::asio::buffer(bytes), asked.from, 0, ignored);
            return;
        }
        Bytes framed;
        put_u16(framed, static_cast<unsigned>(bytes.size()));
        framed.insert(framed.end(), bytes.begin(), bytes.end());
        boost::asio::write(*asked.tcp, boost::asio::buffer(framed), ignored);
    }
    void send(const Asked& asked, const Reply& reply) { send(asked, reply.packet()); }

    /// From another port than the one that was asked.
    void send_from_elsewhere(const Asked& asked, const Reply& reply) {
        boost::system::error_code ignored;
        other_.send_to(boost::asio::buffer(reply.packet()), asked.from, 0, ignored);
    }

    void after(std::chrono::milliseconds delay, std::function<void()> action) {
        auto timer = std::make_shared<boost::asio::steady_timer>(io_, delay);
        timer->async_wait(
            alive_.guard([timer, action = std::move(action)](const boost::system::error_code& error) {
                if (!error) action();
            }));
    }

    [[nodiscard]] std::size_t count(const std::string& name) const {
        return static_cast<std::size_t>(
            std::count_if(questions.begin(), questions.end(),
                          [&](const Asked& question) { return question.name == name; }));
    }

    std::vector<Asked> questions;  ///< everything so far

private:
    // One port for both, which may be taken for one of them.
    bool bind() {
        udp_ = {io_, {address_, 0}};
        acceptor_ = boost::asio::ip::tcp::acceptor(io_);
        acceptor_.open(address_.is_v4() ? boost::asio::ip::tcp::v4() : boost::asio::ip::tcp::v6());
        boost::system::error_code taken;
        acceptor_.bind({address_, udp_.local_endpoint().port()}, taken);
        return !taken;
    }

    void on_question(Asked question) {
        questions.push_back(question);
        script_(*this, question);
    }

    void receive() {
        udp_.async_receive_from(
            boost::asio::buffer(buffer_), from_,
            alive_.guard([this](const boost::system::error_code& error, std::size_t size) {
                if (!error) {
                    Asked question(Bytes(buffer_.begin(), buffer_.begin() + static_cast<long>(size)));
                    question.from = from_;
                    on_question(std::move(question));
                }
                receive();
            }));
    }

    void accept() {
        auto socket = std::make_shared<boost::asio::ip::tcp::socket>(io_);
        acceptor_.async_accept(*socket, alive_.guard([this, socket](const boost::system::error_code& error) {
            if (error) return;
            read_tcp(socket);
            accept();
        }));
    }

    void read_tcp(const std::shared_ptr<boost::asio::ip::tcp::socket>& socket) {
        auto bytes = std::make_shared<Bytes>(2);
        boost::asio::async_read(
            *socket, boost::asio::buffer(*bytes),
            alive_.guard([this, socket, bytes](const boost::system::error_code& error, std::size_t) {
                if (error) return;
                bytes->resize(static_cast<std::size_t>((*bytes)[0] << 8 | (*bytes)[1]));
                read_question(socket, bytes);
            }));
    }

    void read_question(const std::shared_ptr<boost::asio::ip::tcp::socket>& socket,
                       const std::shared_ptr<Bytes>& bytes) {
        boost::asio::async_read(
            *socket, boost::asio::buffer(*bytes),
            alive_.guard([this, socket, bytes](const boost::system::error_code& error, std::size_t) {
                if (error) return;
                Asked question(*bytes);
                question.tcp = socket;
                on_question(std::move(question));
            }));
    }

    boost::asio::ip::address address_;
    boost::asio::io_context& io_;
    Script script_;
    boost::asio::ip::udp::socket udp_, other_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::ip::udp::endpoint from_;
    std::array<std::uint8_t, 4096> buffer_{};
    resolvers::AliveGuard alive_;
};
