#include <catch2/catch.hpp>

#include "tests/unit/conf/text_config.hpp"

namespace {

conf::LoadResult load_control(const std::string& control) {
    TextConfig text;
    text.head = "name: t\ncontrol: " + control;
    return load(text);
}

/// The section of a file that must be good.
conf::Control control_of(const std::string& control) {
    const auto result = load_control(control);
    CHECK(lines(result.errors) == "");
    CHECK(lines(result.warnings) == "");
    return result.config.control;
}

}  // namespace

TEST_CASE("without a control section there is a socket at the default place for root and the parent's user") {
    const conf::Control control = load(TextConfig{}).config.control;
    CHECK(control.enabled);
    CHECK(control.socket.empty());
    CHECK(control.mode == 0660);
    CHECK(control.group.empty());
    CHECK(control.read_only_group.empty());
}

TEST_CASE("the control section says where the socket is and who may use it") {
    const conf::Control control =
        control_of("{socket: /run/x/y.sock, mode: '0666', group: adm, read-only-group: users}");
    CHECK(control.enabled);
    CHECK(control.socket == "/run/x/y.sock");
    CHECK(control.mode == 0666);
    CHECK(control.group == "adm");
    CHECK(control.read_only_group == "users");
    CHECK(control_of("{socket: none}").enabled == false);
}

TEST_CASE("a mode is octal, in quotes or not") {
    CHECK(control_of("{mode: 0600}").mode == 0600);
    CHECK(control_of("{mode: '0777'}").mode == 0777);
}

TEST_CASE("the longest path of a socket is what the system allows") {
    const std::string longest = "/" + std::string(106, 'x');
    CHECK(control_of("{socket: " + longest + "}").socket == longest);
    CHECK_FALSE(load_control("{socket: " + longest + "x}").ok());
}

TEST_CASE("a group that the mode keeps out is warned about") {
    const auto warnings = [](const std::string& keys) {
        const auto result = load_control("{" + keys + "}");
        CHECK(result.ok());
        return lines(result.warnings);
    };
    CHECK(warnings("group: a, read-only-group: b")
              .starts_with("t.yaml:2:10: control: the socket file belongs to 'group', so members of "
                           "'read-only-group' cannot open it; mode '0666' permits them"));
    CHECK_FALSE(warnings("group: a, read-only-group: b, mode: '0664'").empty());
    CHECK(warnings("group: a, read-only-group: b, mode: '0666'").empty());
    CHECK(warnings("group: a, read-only-group: a").empty());
    CHECK(warnings("group: a").empty());
    CHECK(warnings("read-only-group: b").empty());
}

TEST_CASE("the control section survives the print [K-30]") {
    for (const char* section : {"{}", "{socket: none}", "{mode: '0600'}",
                                "{socket: \"/run/it's.sock\", mode: '0666', group: a, read-only-group: b}"}) {
        INFO(section);
        const auto first = load_control(section);
        CHECK(lines(first.errors) == "");
        const std::string printed = print(first.config);
        const auto again = load(printed);
        CHECK(lines(again.errors) == "");
        CHECK(print(again.config) == printed);
        CHECK(again.config.control.socket == first.config.control.socket);
        CHECK(again.config.control.enabled == first.config.control.enabled);
        CHECK(again.config.control.mode == first.config.control.mode);
        CHECK(again.config.control.group == first.config.control.group);
        CHECK(again.config.control.read_only_group == first.config.control.read_only_group);
    }
}
