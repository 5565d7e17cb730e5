// Lines of a client that is not to be trusted, and of a proxy that might not be one. Whatever they are,
// nothing may crash, and a request that is accepted must say the same when it is written and read again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libudpserver/control/answer_line.hpp"
#include "libudpserver/control/line_reader.hpp"
#include "libudpserver/control/request.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void try_request(const std::string& line) {
    try {
        const auto request = control::Request::parse(line);
        const auto again = control::Request::parse(request.line());
        require(again.command() == request.command());
        require(again.args().size() == request.args().size());
    } catch (const control::Failure& failure) {
        require(control::parse_answer(control::error_line(failure)).kind == control::AnswerLine::Kind::error);
    }
}

void try_answer(const std::string& line) {
    const auto answer = control::parse_answer(line);
    require(answer.kind != control::AnswerLine::Kind::senseless || !answer.text.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(bytes), size);
    control::LineReader reader(control::max_request);
    while (!rest.empty()) {
        const auto space = reader.space();
        // An odd length, so that lines are cut in many places.
        const std::size_t count = std::min({space.size(), rest.size(), std::size_t{17}});
        if (count == 0) {
            require(reader.too_long());
            break;
        }
        std::copy_n(rest.begin(), count, space.begin());
        reader.filled(count);
        rest.remove_prefix(count);
        while (const auto line = reader.next()) {
            try_request(*line);
            try_answer(*line);
        }
    }
    return 0;
}
