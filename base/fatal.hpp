#pragma once

#include <stdexcept>

namespace base {

/// An error that this process cannot survive: main logs what() and exits with status 1. The text says what
/// failed, where, and what to do about it.
class Fatal : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace base
