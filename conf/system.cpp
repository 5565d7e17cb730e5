#include "conf/system.hpp"

#include <fstream>

#include "base/local_addresses.hpp"
#include "conf/processors.hpp"

namespace conf {

System System::read() {
    System system;
    unsigned first = 0, last = 0;
    std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
    // Without /proc the kernel's default range is assumed.
    if (file >> first >> last && first <= last && last <= 65535) {
        system.ephemeral = {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
    }
    system.processors = usable_processors();
    system.addresses = base::local_addresses().value_or(std::vector<Address>{});
    return system;
}

}  // namespace conf
