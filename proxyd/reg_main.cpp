#include "proxyd/reg_main.hpp"

#include "libudpserver/base/log.hpp"
#include "proxyd/housekeeping.hpp"
#include "proxyd/pool_service.hpp"

namespace proxyd {

int reg_main(process::ChildRuntime& runtime, const conf::Config& config, Resources& resources) {
    LinkSocketSource source(runtime);
    session::Server server(runtime.io(), resources.server_parts(config, source));
    source.deliver_to(server);
    runtime.on_stop([&] {
        server.close_all(session::CloseReason::process_end);
        runtime.finish(0);
    });
    // Ended alone: the sessions stay where they are, the next REG adopts them (K-22).
    runtime.on_end_signal([&] {
        server.leave();
        runtime.finish(0);
    });
    runtime.on_ping([&](process::ChildRuntime::Reply reply) { server.ping(std::move(reply)); });
    runtime.on_info([&] { log_info(server); });

    const session::Adoption adoption = server.start(runtime.fresh_start());
    if (adoption.adopted + adoption.aborted > 0) {
        base::log::write(base::msg::adopted, "{} sessions taken over, {} could not be", adoption.adopted,
                         adoption.aborted);
    }
    Housekeeping housekeeping(runtime.io(), server);
    runtime.report_ready(adoption.adopted, adoption.aborted);
    return runtime.run();
}

int report_main(process::ChildRuntime& runtime, const conf::Config& config, Resources& resources) {
    LinkSocketSource source(runtime);
    session::Server server(runtime.io(), resources.server_parts(config, source));
    server.report_left();
    return 0;
}

}  // namespace proxyd
