#include "proxyctl/doctor/name_server_probe.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <list>

#include "proxyctl/failure.hpp"
#include "resolvers/ares_exchange.hpp"

namespace proxyctl {

namespace {

using resolvers::AresExchange;

void note(NameServerProbe& probe, const AresExchange::Result& result) {
    if (result.kind == AresExchange::Result::answered)
        probe.rcode = result.answer.rcode;
    else
        probe.trouble = result.answer.why;
}

}  // namespace

std::vector<NameServerProbe> run_probes(std::vector<NameServerProbe> probes, const Timeout& timeout) {
    boost::asio::io_context io;
    const conf::Resolver settings{.connect_timeout = timeout.limit};
    resolvers::Counters counters;
    std::list<AresExchange> exchanges;
    std::size_t pending = probes.size();
    for (NameServerProbe& probe : probes) {
        const resolvers::DnsQuestion root_servers("", resolvers::RecordType::ns,
                                                  resolvers::Randomness::fresh());
        exchanges.emplace_back(io, settings, counters, probe.transport)
            .ask(probe.server, root_servers, timeout.limit, [&](const AresExchange::Result& result) {
                note(probe, result);
                if (--pending == 0) io.stop();
            });
    }
    boost::asio::posix::stream_descriptor interrupt(io);
    if (timeout.interrupt != nullptr) {
        interrupt.assign(timeout.interrupt->descriptor());
        interrupt.async_wait(interrupt.wait_read, [&io](const boost::system::error_code&) { io.stop(); });
    }
    io.run();
    if (interrupt.is_open()) interrupt.release();  // it belongs to Signals
    if (timeout.interrupt != nullptr && !timeout.interrupt->take().empty()) throw Interrupted();
    return probes;
}

}  // namespace proxyctl
