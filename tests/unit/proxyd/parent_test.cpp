#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/unit/proxyd/parent_fixture.hpp"

using Catch::Matchers::Contains;

TEST_CASE("a parent starts REG, is ready once, and stops with exit status 0") {
    ParentStage stage;
    stage.make();
    CHECK(stage.run([&] {
        CHECK_FALSE(stage.parent->is_settling());
        stage.parent->supervisor().stop();
    }) == 0);
    CHECK(stage.ready == 1);
    CHECK_THAT(stage.log(), Contains("serving on 127.0.0.1:"));
}

TEST_CASE("a reload replaces REG, and settles when the new one is up") {
    ParentStage stage;
    stage.make();
    std::vector<std::string> lines;
    CHECK(stage.run([&] {
        stage.write(ParentStage::rule("two"));
        lines = stage.parent->reload(true, "test").lines;
        CHECK(stage.parent->config().session_acl.front().name == "one");
        CHECK(stage.parent->reload(false, "test").lines == lines);
        CHECK(stage.parent->config().session_acl.front().name == "two");
        CHECK(stage.parent->is_settling());
        CHECK(stage.reg().status().state == process::ChildState::replacing);
        stage.until([&] { return !stage.parent->is_settling(); });
        CHECK(stage.reg().status().state == process::ChildState::up);
        stage.parent->supervisor().stop();
    }) == 0);
    CHECK_FALSE(lines.empty());
    CHECK_THAT(stage.log(), Contains("test: configuration reloaded: "));
    CHECK(count_of(stage.log(), "configuration reloaded") == 1);
}

TEST_CASE("a reload that is refused changes nothing") {
    ParentStage stage;
    stage.make();
    CHECK(stage.run([&] {
        stage.write("session-acl: none\n");
        CHECK_THAT(stage.parent->reload(false, "test").refused, Contains("session-acl"));
        stage.write("pid-file: /tmp/other.pid\n" + ParentStage::rule("one"));
        CHECK_THAT(stage.parent->reload(false, "test").refused,
                   Contains("pid-file") && Contains("restart proxyd"));
        CHECK(stage.reg().status().state == process::ChildState::up);
        stage.parent->supervisor().stop();
        CHECK(stage.parent->reload(false, "test").refused == "proxyd is shutting down");
    }) == 0);
    CHECK(count_of(stage.log(), "the running configuration is unchanged") == 3);
}

TEST_CASE("a drain without sessions shuts down at once, and at its limit otherwise [O-13]") {
    ParentStage stage;
    stage.make();
    SECTION("REG reports that it is drained") {
        CHECK(stage.run([&] {
            stage.parent->drain(1h);
            CHECK(stage.parent->is_draining());
            CHECK_FALSE(stage.parent->supervisor().is_stopping());
        }) == 0);
    }
    SECTION("REG does not answer") {
        CHECK(stage.run([&] {
            stage.reg().signal(SIGSTOP);
            stage.parent->drain(50ms);
        }) == 0);
        CHECK_THAT(stage.log(), Contains("SIGKILL"));
    }
}
