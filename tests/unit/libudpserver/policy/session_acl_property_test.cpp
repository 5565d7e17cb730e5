// Random small policies: what is decided with partial knowledge must be what full knowledge decides, whatever
// the missing part turns out to be. The oracle knows nothing of undecided answers and shares no code.

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "libudpserver/policy/session_acl.hpp"
#include "tests/unit/libudpserver/policy/policy_fixture.hpp"

using namespace policy;
using conf::HostItem;

namespace {

constexpr const char* all_names[] = {"a.example", "b.example", "c.example"};
constexpr const char* all_patterns[] = {"x\\.example", "y\\.example", ".*"};
const base::Address client = address("192.0.2.1"), stranger = address("192.0.2.2");

/// All that can be known: which names have the address of the client, and the names of the client.
struct World {
    unsigned meaning = 0;  ///< one bit a name
    std::vector<std::string> client_names;
};

class Oracle {
public:
    Oracle(const conf::Config& config, const World& world) : config_(config), world_(world) {}

    [[nodiscard]] std::optional<std::size_t> first_match() const {
        for (std::size_t i = 0; i < config_.session_acl.size(); ++i) {
            const conf::Rule& rule = config_.session_acl[i];
            if (in(rule.from) && to_matches(rule)) return i;
        }
        return std::nullopt;
    }

private:
    [[nodiscard]] bool in(const conf::HostItems& items) const {
        bool positive = false, matched = false;
        for (const HostItem& item : items) {
            if (item.negated && means(item)) return false;
            positive |= !item.negated;
            matched |= !item.negated && means(item);
        }
        return matched || !positive;
    }

    [[nodiscard]] bool to_matches(const conf::Rule& rule) const {
        return rule.to.empty() || rule.to[0].host.negated != means(rule.to[0].host);
    }

    [[nodiscard]] bool means(const HostItem& item) const {
        switch (item.kind) {
            case HostItem::Kind::name:
                return world_.meaning >> (item.text[0] - 'a') & 1;
            case HostItem::Kind::pattern:
                return std::any_of(
                    world_.client_names.begin(), world_.client_names.end(),
                    [&](const auto& name) { return item.text == ".*" || item.text[0] == name[0]; });
            case HostItem::Kind::list: {
                const auto& items = config_.lists[item.list].items;
                return !items.empty() && in(items);
            }
            default:
                return item.kind == HostItem::Kind::any || item.first == client;
        }
    }

    const conf::Config& config_;
    const World& world_;
};

class RandomPolicy {
public:
    explicit RandomPolicy(unsigned seed) : random_(seed) {}

    conf::Config make() {
        conf::Config config;
        for (std::size_t i = 0; i < 3; ++i)
            config.lists.push_back({"list", items(i, 0)});
        for (std::size_t i = 1 + below(3); i > 0; --i) {
            conf::Rule rule = rule_from(items(3, below(2)));
            if (below(4) == 0) rule.to = {{negate(below(2) == 0 ? name() : HostItem{}), {53, 53}}};
            config.session_acl.push_back(rule);
        }
        return config;
    }
    unsigned below(unsigned limit) { return std::uniform_int_distribution<unsigned>(0, limit - 1)(random_); }

private:
    /// A list may use those before it.
    conf::HostItems items(std::size_t lists, std::size_t fewest) {
        conf::HostItems made;
        for (std::size_t i = fewest + below(4); i > 0; --i)
            made.push_back(negate(item(lists)));
        return made;
    }
    HostItem item(std::size_t lists) {
        switch (below(lists > 0 ? 7 : 5)) {
            case 0:
            case 1:
                return name();
            case 2:
            case 3:
                return pattern(all_patterns[below(3)]);
            case 4:
                return below(8) == 0 ? HostItem{} : one(below(2) == 0 ? "192.0.2.1" : "192.0.2.2");
            default:
                return list(below(static_cast<unsigned>(lists)));
        }
    }
    HostItem name() { return named(all_names[below(3)]); }
    HostItem negate(HostItem item) { return below(3) == 0 ? negated(item) : item; }

    std::mt19937 random_;
};

void tell(Names& names, unsigned which, const World& world) {
    const auto index = names.index(all_names[which]);
    if (index) names.set(*index, {(world.meaning >> which & 1) != 0 ? client : stranger});
}

/// Client and local are one address, so that a name in `to` matches as in `from`.
Question question(const std::vector<std::string>* client_names) {
    return {{client, 4000}, {client, 53}, 0, {}, client_names};
}

void check_explained(const SessionAcl& acl, const Question& asked) {
    const SessionAcl::Result decision = acl.first_match(asked);
    const auto steps = acl.explain(asked);
    const bool decided = decision.match == Match::yes, none = decision.match == Match::no;
    REQUIRE(steps.size() == (none ? acl.size() : decision.rule + 1));
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const bool last = i + 1 == steps.size();
        REQUIRE(steps[i].rule == i);
        REQUIRE(steps[i].matched == (last && decided));
        REQUIRE(steps[i].undecided == (last && !decided && !none));
    }
    if (decision.match == Match::needs_client_names)
        REQUIRE(steps.back().why == "from: the client's names are not known");
    if (decision.match == Match::needs_names)
        REQUIRE_THAT(steps.back().why, Catch::Contains(".example, which is not resolved yet"));
}

const std::vector<World> worlds = [] {
    std::vector<World> made;
    for (unsigned meaning = 0; meaning < 8; ++meaning)
        for (const auto& names : {std::vector<std::string>{},
                                  {"x.example"},
                                  {"y.example"},
                                  {"z.example"},
                                  {"x.example", "y.example"}})
            made.push_back({meaning, names});
    return made;
}();

/// What is known of a world: names by bit, and whether the client's names are.
struct Knowledge {
    unsigned names;
    bool client_names;

    [[nodiscard]] bool tells_apart(const World& a, const World& b) const {
        return ((a.meaning ^ b.meaning) & names) != 0 || (client_names && a.client_names != b.client_names);
    }
};

SessionAcl::Result decide(const conf::Config& config, const World& world, Knowledge knowledge) {
    Names names(config);
    const SessionAcl acl(config, names);
    for (unsigned i = 0; i < 3; ++i)
        if ((knowledge.names >> i & 1) != 0) tell(names, i, world);
    const Question asked = question(knowledge.client_names ? &world.client_names : nullptr);
    check_explained(acl, asked);
    return acl.first_match(asked);
}

}  // namespace

TEST_CASE("partial knowledge never contradicts full knowledge [K-33][K-55][K-63]") {
    RandomPolicy random(20);
    std::size_t decided_early = 0, waited = 0;
    for (int round = 0; round < 10'000; ++round) {
        const conf::Config config = random.make();
        const World& world = worlds[random.below(static_cast<unsigned>(worlds.size()))];
        const Knowledge knowledge{random.below(8), random.below(2) == 0};
        INFO("round " << round);

        const SessionAcl::Result full = decide(config, world, {7, true});
        const auto expected = Oracle(config, world).first_match();
        REQUIRE(full.match == (expected ? Match::yes : Match::no));
        REQUIRE(full.rule == expected.value_or(0));

        const SessionAcl::Result partial = decide(config, world, knowledge);
        if (partial.match == Match::needs_names) REQUIRE(knowledge.names != 7);
        if (partial.match == Match::needs_client_names) REQUIRE_FALSE(knowledge.client_names);
        if (partial.match != Match::yes && partial.match != Match::no) {
            ++waited;
            continue;
        }
        decided_early += knowledge.names != 7 && !knowledge.client_names ? 1 : 0;
        for (const World& other : worlds) {
            if (knowledge.tells_apart(world, other)) continue;
            const auto then = Oracle(config, other).first_match();
            REQUIRE(then.has_value() == (partial.match == Match::yes));
            REQUIRE(then.value_or(0) == partial.rule);
        }
    }
    CHECK(decided_early > 500);
    CHECK(waited > 1000);
}

TEST_CASE("a decision waits only for names that can change it, if no item occurs twice [K-63]") {
    // Without an item that occurs twice the undecided ones are independent: waiting is never idle.
    const auto me = one("192.0.2.1"), other = one("192.0.2.2");
    const HostItem unknown[] = {named("a.example"), pattern("x\\.example")};
    for (const HostItem& item : unknown)
        for (const bool item_negated : {false, true})
            for (int with = 0; with < 4; ++with)
                for (const bool other_negated : {false, true}) {
                    conf::HostItems items{item_negated ? negated(item) : item};
                    const HostItem companion = with == 0 ? me : other;
                    if (with < 2) items.push_back(other_negated ? negated(companion) : companion);
                    const conf::Config config = config_of({rule_from(items)});
                    const Match kind = decide(config, worlds[0], {0, false}).match;
                    const bool waits = kind == Match::needs_names || kind == Match::needs_client_names;
                    bool differs = false;
                    for (const World& a : worlds)
                        for (const World& b : worlds)
                            differs |= Oracle(config, a).first_match() != Oracle(config, b).first_match();
                    REQUIRE(waits == differs);
                }
}
