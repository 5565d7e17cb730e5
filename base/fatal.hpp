#pragma once

#include <stdexcept>

namespace base {

/// This process cannot go on: main logs what() and ends with exit status 1. What says what failed, where and
/// what to do about it.
class Fatal : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace base
