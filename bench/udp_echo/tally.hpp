#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>

#include "base/endpoint.hpp"

namespace echo {

/// What the server has seen. Tests of a proxy read it: with N sessions there are exactly N sources.
class Tally {
public:
    void count(const base::Endpoint& from, std::size_t bytes);
    void count_answers(std::uint64_t sent, std::uint64_t failed);
    [[nodiscard]] std::uint64_t datagrams() const { return datagrams_; }

    /// `{"datagrams":..,"bytes":..,"answers":..,"failed":..,"sources":..,"ports":..}`: `sources` are distinct
    /// addresses with port, `ports` distinct port numbers, `failed` answers that could not be sent.
    [[nodiscard]] std::string to_json() const;

private:
    struct Hash {
        std::size_t operator()(const base::Endpoint& endpoint) const;
    };
    std::unordered_set<base::Endpoint, Hash> sources_;
    std::unordered_set<std::uint16_t> ports_;
    std::uint64_t datagrams_ = 0, bytes_ = 0, answers_ = 0, failed_ = 0;
};

}  // namespace echo
