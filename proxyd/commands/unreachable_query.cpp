#include "proxyd/commands/unreachable_query.hpp"

#include <map>
#include <memory>

namespace proxyd {

void add_unreachable(Queries& queries, session::Server& server) {
    using Entries = std::map<base::Address, session::UnreachableServers::Entry>;
    queries.add("unreachable", [&server](const control::Request& request, std::uint64_t cursor,
                                         const Queries::Reply& reply) {
        request.allow({});
        // Each worker has its own list, and they differ by what its clients tried.
        const auto all = std::make_shared<std::vector<Entries>>(server.workers());
        server.for_all_workers(
            [all](unsigned worker, session::SessionEngine& engine) {
                for (const auto& entry : engine.unreachable(base::now()))
                    (*all)[worker].emplace(entry.address, entry);
            },
            [all, cursor, reply] {
                Entries merged;
                for (const Entries& entries : *all)
                    merged.insert(entries.begin(), entries.end());
                Lines lines(cursor);
                for (const auto& [address, entry] : merged) {
                    control::Row row;
                    row.add("address", base::to_string(address)).add("why", session::why(entry));
                    lines.add(row.add("retry_ms", entry.until - base::now()));
                }
                reply(lines.result());
            });
    });
}

}  // namespace proxyd
