#include "conf/system.hpp"

#include "base/local_addresses.hpp"
#include "conf/processors.hpp"
#include "conf/system_ports.hpp"

namespace conf {

System System::read() {
    System system;
    system.ephemeral = ephemeral_ports();
    system.reserved = reserved_ports();
    system.processors = usable_processors();
    system.addresses = base::local_addresses().value_or(std::vector<Address>{});
    return system;
}

}  // namespace conf
