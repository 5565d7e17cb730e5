#include <algorithm>
#include <cstddef>

#include "conf/checks.hpp"
#include "conf/place.hpp"

namespace conf {
namespace {

constexpr std::size_t most_items = 100'000;

/// Walks the references between lists, each list once.
class ListWalk {
public:
    ListWalk(const std::vector<NamedList>& lists, Report& report)
        : lists_(lists), report_(report), expanded_(lists.size(), 0), state_(lists.size(), State::fresh) {}

    void visit(std::size_t index) {
        if (state_[index] == State::done) return;
        state_[index] = State::open;
        path_.push_back(index);
        std::size_t size = 0;
        for (const HostItem& item : lists_[index].items)
            size += expand(item);
        expanded_[index] = std::min(size, most_items + 1);
        path_.pop_back();
        state_[index] = State::done;
        if (size > most_items) {
            report_.error(place_of(index), "the list stands for more than 100000 items with those it names");
        }
    }

private:
    enum class State { fresh, open, done };

    [[nodiscard]] std::string place_of(std::size_t index) const { return "lists." + lists_[index].name; }

    std::size_t expand(const HostItem& item) {
        if (item.kind != HostItem::Kind::list) return 1;
        if (state_[item.list] == State::open) {
            report_.error(place_of(path_.back()), "the list contains itself: " + circle(item.list));
            return 0;
        }
        visit(item.list);
        return 1 + expanded_[item.list];
    }

    [[nodiscard]] std::string circle(std::size_t start) const {
        std::string text;
        for (auto at = std::find(path_.begin(), path_.end(), start); at != path_.end(); ++at) {
            text += "@" + lists_[*at].name + " > ";
        }
        return text + "@" + lists_[start].name;
    }

    const std::vector<NamedList>& lists_;
    Report& report_;
    std::vector<std::size_t> expanded_;
    std::vector<State> state_;
    std::vector<std::size_t> path_;
};

}  // namespace

void check_lists(const Config& config, Report& report) {
    ListWalk walk(config.lists, report);
    for (std::size_t i = 0; i < config.lists.size(); ++i)
        walk.visit(i);
}

}  // namespace conf
