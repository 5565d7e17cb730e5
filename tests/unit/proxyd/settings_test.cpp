#include "proxyd/settings.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

using Catch::Matchers::Contains;

TEST_CASE("the control socket that a configuration asks for") {
    conf::Config config;
    config.name = "dns-gw";
    auto settings = proxyd::control_settings(config);
    REQUIRE(settings);
    CHECK(settings->path == "/run/proxyd/dns-gw.sock");
    CHECK(settings->make_directory);
    CHECK(settings->mode == 0660);
    CHECK_FALSE(settings->file_group);
    CHECK(settings->rights.own == ::geteuid());

    config.control.socket = "/tmp/x.sock";
    config.control.read_only_group = "root";
    settings = proxyd::control_settings(config);
    CHECK(settings->path == "/tmp/x.sock");
    CHECK_FALSE(settings->make_directory);
    CHECK(settings->rights.read_only_group == 0);
    CHECK(settings->file_group == 0);
    CHECK_FALSE(settings->rights.group);

    config.control.group = "12345";  // [H-3]
    CHECK(proxyd::control_settings(config)->rights.group == 12345);

    config.control.group = "no-such-group";
    CHECK_THROWS_WITH(proxyd::control_settings(config),
                      Contains("no group 'no-such-group'") && Contains("control.group"));
    config.control.enabled = false;
    CHECK_FALSE(proxyd::control_settings(config));
}
