#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conf/config.hpp"

namespace conf {

/// What a listener may receive, as far as the file tells. The addresses behind names and those of this
/// machine are not known here: in doubt yes.
class Reach {
public:
    /// The lists must be free of cycles, and both must outlive this object.
    Reach(const ListenOn& listener, const std::vector<NamedList>& lists);

    /// A datagram to an address and a port of the item, without its `!`.
    bool receives(const Destination& to);
    /// A datagram that the rule's `to` does not exclude for certain.
    bool receives_for(const Rule& rule);
    /// A datagram of a client that matches the items.
    bool receives_from(const HostItems& from);

    [[nodiscard]] const ListenOn& listener() const { return listener_; }

private:
    /// Whether items may stand for one address, or for any of its family if it is a wildcard.
    class Hosts {
    public:
        Hosts(const Address& address, const std::vector<NamedList>& lists)
            : address_(address), lists_(lists), known_(lists.size()) {}
        bool may_be(const HostItem& item);
        bool may_be(const HostItems& items);

    private:
        [[nodiscard]] bool may_be_in(const Address& first, const Address& last) const;

        Address address_;
        const std::vector<NamedList>& lists_;
        std::vector<std::optional<bool>> known_;  ///< by list
    };

    const ListenOn& listener_;
    Hosts local_, clients_;
};

/// `10.0.0.1:53`, `[::]:5060-5070`.
std::string to_string(const ListenOn& listener);

}  // namespace conf
