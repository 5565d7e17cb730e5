#include "resolvers/ares_lookup.hpp"

#include <algorithm>
#include <utility>

namespace resolvers {
namespace {

std::vector<RecordType> types_for(bool reverse, Families families) {
    if (reverse) return {RecordType::ptr};
    switch (families) {
        case Families::v4:
            return {RecordType::a};
        case Families::v6:
            return {RecordType::aaaa};
        case Families::both:
            break;
    }
    return {RecordType::a, RecordType::aaaa};
}

std::string_view label(RecordType type) {
    return type == RecordType::a ? "A: " : type == RecordType::aaaa ? "AAAA: " : "PTR: ";
}

// What a caller has to know of two: a failure hides the rest, addresses hide a denial.
int rank(const Answer& answer) {
    if (is_failure(answer.status)) return 3;
    if (answer.status == Answer::ok) return 2;
    return answer.status == Answer::no_data ? 1 : 0;
}

}  // namespace

Answer merged(const Answer& one, const Answer& other) {
    if (one.status != Answer::ok || other.status != Answer::ok) return rank(one) >= rank(other) ? one : other;
    Answer both = one;
    both.addresses.insert(both.addresses.end(), other.addresses.begin(), other.addresses.end());
    std::sort(both.addresses.begin(), both.addresses.end());
    both.addresses.erase(std::unique(both.addresses.begin(), both.addresses.end()), both.addresses.end());
    both.ttl = std::min(one.ttl, other.ttl);
    return both;
}

AresLookup::AresLookup(const AresContext& context, bool reverse, std::vector<std::string> names, Done done)
    : context_(context), names_(std::move(names)), done_(std::move(done)) {
    ++context_.counters.lookups;
    for (const RecordType type : types_for(reverse, context.settings.families))
        parts_.push_back({type});
    ask();
}

std::string AresLookup::progress() const {
    std::string text;
    for (const Part& part : parts_) {
        if (part.answer) continue;
        if (!text.empty()) text += "; ";
        text.append(label(part.type)).append(part.series->progress());
    }
    return text;
}

void AresLookup::ask() {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        parts_[i].answer.reset();
        parts_[i].series =
            std::make_unique<AresSeries>(context_, names_[current_], parts_[i].type,
                                         [this, i](const Answer& answer) { on_part(i, answer); });
    }
}

void AresLookup::on_part(std::size_t index, const Answer& answer) {
    Part& part = parts_[index];
    part.answer = answer;
    if (answer.status != Answer::ok) part.answer->detail.insert(0, label(part.type));
    // One failure decides; the other part is not waited for.
    if (is_failure(answer.status)) return on_name(Answer(*part.answer));
    Answer all = *part.answer;
    for (const Part& other : parts_) {
        if (!other.answer) return;
        if (&other != &part) all = merged(all, *other.answer);
    }
    on_name(std::move(all));
}

void AresLookup::on_name(Answer answer) {
    if (answer.status == Answer::ok) answer.found_as = names_[current_];
    if (!is_denial(answer.status)) return finish(std::move(answer));
    denial_ = denial_ ? merged(*denial_, answer) : answer;
    if (++current_ == names_.size()) return finish(std::move(*denial_));
    ask();
}

// The callback may destroy this.
void AresLookup::finish(Answer answer) {
    const Done done = std::move(done_);
    done(answer);
}

}  // namespace resolvers
