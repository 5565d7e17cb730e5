#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libudpserver/control/control_server.hpp"
#include "proxyd/upgrade.hpp"

namespace proxyd {

class Parent;

/// Writes a text as rows, line by line, as fast as the client reads it.
void write_lines(control::Answer answer, const std::string& text);

/// The rows of an answer that may be longer than the buffer of a client.
struct RowList {
    std::vector<control::Row> rows;
    std::optional<control::Failure> failure;  ///< ends the answer
};
/// Writes them as fast as the client reads.
void write_rows(control::Answer answer, const std::shared_ptr<const RowList>& list, std::size_t at = 0);

/// The commands about the instance as a whole: version, status, config, reload, upgrade, stop. Must outlive
/// the server.
class ProxyCommands {
public:
    ProxyCommands(Parent& parent, Upgrade& upgrade) : parent_(parent), upgrade_(upgrade) {}

    void add_to(control::ControlServer& server);

private:
    using Request = control::Request;

    void version(const Request& request, control::Answer answer) const;
    void status(const Request& request, control::Answer answer) const;
    void config(const Request& request, control::Answer answer) const;
    void reload(const Request& request, control::Answer answer);
    void answer_when_adopted(control::Answer answer, std::shared_ptr<RowList> list, base::Instant deadline);
    /// Calls `look` after a short time.
    void look_again(std::function<void()> look);
    void upgrade(control::Answer answer, const control::ControlSocket& socket, base::Instant deadline);
    void stop(const Request& request, control::Answer answer);
    [[nodiscard]] std::string faults() const;

    Parent& parent_;
    Upgrade& upgrade_;
};

}  // namespace proxyd
