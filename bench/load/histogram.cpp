#include "bench/load/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace load {

std::size_t Histogram::bucket_of(std::uint64_t value) {
    if (value < steps) return value;
    // The highest bit chooses the group, the next six the bucket in it.
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - step_bits;
    return (shift + 1) * steps + ((value >> shift) - steps);
}

std::uint64_t Histogram::top_of(std::size_t bucket) {
    if (bucket < steps) return bucket;
    const auto shift = bucket / steps - 1;
    return ((bucket % steps + steps + 1) << shift) - 1;
}

void Histogram::add(std::uint64_t value) {
    ++counts_[bucket_of(value)];
    ++total_;
    highest_ = std::max(highest_, value);
}

std::uint64_t Histogram::at(double share) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
        seen += counts_[bucket];
        if (seen >= wanted && seen > 0) return std::min(top_of(bucket), highest_);
    }
    return highest_;
}

}  // namespace load
