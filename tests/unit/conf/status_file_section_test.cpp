#include <catch2/catch.hpp>

#include "tests/unit/conf/text_config.hpp"

using namespace std::chrono_literals;

namespace {

conf::LoadResult load_status_file(const std::string& status_file) {
    TextConfig text;
    text.head = "name: t\nstatus-file: " + status_file;
    return load(text);
}

}  // namespace

TEST_CASE("without a status-file section there is none [O-42]") {
    CHECK(load(TextConfig{}).config.status_file.path.empty());
}

TEST_CASE("the status-file section says where, how often and in which form [O-42]") {
    const auto all = load_status_file("{path: /run/x.status, every: 5s, format: csv}");
    CHECK(lines(all.errors) == "");
    CHECK(all.config.status_file.path == "/run/x.status");
    CHECK(all.config.status_file.every == 5s);
    CHECK(all.config.status_file.format == conf::StatusFormat::csv);
    const conf::StatusFile usual = load_status_file("{path: /x}").config.status_file;
    CHECK(usual.every == 60s);
    CHECK(usual.format == conf::StatusFormat::text);
}

TEST_CASE("mistakes in the status-file section are errors") {
    for (const char* wrong : {"{}", "{path: x}", "{path: /x, every: 0s}", "{path: /x, every: 2d}",
                              "{path: /x, format: xml}", "{path: /x, evry: 1s}", "/x"}) {
        CAPTURE(wrong);
        CHECK(!load_status_file(wrong).errors.empty());
    }
}

TEST_CASE("the status-file section survives the print [K-30]") {
    const auto first = load_status_file("{path: '/run/it: #1', every: 90s, format: json}").config;
    const auto again = load(conf::print(first)).config.status_file;
    CHECK(again.path == first.status_file.path);
    CHECK(again.every == first.status_file.every);
    CHECK(again.format == first.status_file.format);
}
