#include "proxyd/name_queries.hpp"

#include "resolvers/dns_question.hpp"

namespace proxyd {

namespace {

/// Less than the two seconds that the parent waits for a child's answer.
constexpr base::Duration look_up_timeout{1'800};

std::vector<std::string> texts(const std::vector<base::Address>& addresses) {
    std::vector<std::string> result;
    for (const base::Address& address : addresses)
        result.push_back(base::to_string(address));
    return result;
}

base::Lookup question_of(const std::string& name) {
    if (const auto address = base::parse_address(name))
        return {.address = *address, .timeout = look_up_timeout};
    return {.name = name, .timeout = look_up_timeout};
}

control::Row row_of(const std::string& name, const base::LookupAnswer& answer) {
    control::Row row;
    row.add("name", name).add("status", to_string(answer.status));
    row.add("addresses", texts(answer.addresses)).add("names", answer.names);
    return row.add("ttl_ms", answer.ttl).add("detail", answer.detail);
}

std::vector<std::string> names_to_refresh(const control::Request& request,
                                          const resolvers::ConfiguredNames& names) {
    const auto wanted = request.text("name");
    std::vector<std::string> found;
    for (const resolvers::NameStatus& name : names.status(base::MonotonicClock::now()))
        if (!wanted || resolvers::canonical_name(*wanted) == name.name) found.push_back(name.name);
    if (found.empty())
        throw control::Failure(control::Code::unknown, "no rule uses the name '" + wanted.value_or("") +
                                                           "'; `names` lists the names in use");
    return found;
}

}  // namespace

void add_resolve(Queries& queries, resolvers::Resolver& resolver) {
    queries.add("resolve",
                [&resolver](const control::Request& request, std::uint64_t, const Queries::Reply& reply) {
                    request.allow({"name"});
                    const std::string name = request.needed_text("name");
                    resolver.ask(question_of(name), [name, reply](const base::LookupAnswer& answer) {
                        reply({0, row_of(name, answer).text() + "\n"});
                    });
                });
}

void add_name_servers(Queries& queries, const conf::Resolver& settings) {
    queries.add("name-servers", [&settings](const control::Request& request, std::uint64_t cursor,
                                            const Queries::Reply& reply) {
        request.allow({"role"});
        Lines lines(cursor);
        for (const base::Endpoint& server : settings.servers)
            lines.add(control::Row().add("server", base::to_string(server)));
        reply(lines.result());
    });
}

void add_names(Queries& queries, const resolvers::ConfiguredNames& names,
               resolvers::ConfigResolver& config_resolver) {
    queries.add("names",
                [&names](const control::Request& request, std::uint64_t cursor, const Queries::Reply& reply) {
                    request.allow({});
                    Lines lines(cursor);
                    for (const resolvers::NameStatus& name : names.status(base::MonotonicClock::now()))
                        lines.add(row_of(name));
                    reply(lines.result());
                });
    queries.add("refresh", [&](const control::Request& request, std::uint64_t, const Queries::Reply& reply) {
        request.allow({"name"});
        const std::size_t count = config_resolver.refresh(names_to_refresh(request, names));
        reply({0, control::Row().add("asked", count).text() + "\n"});
    });
}

control::Row row_of(const resolvers::NameStatus& name) {
    using resolvers::NameStatus;
    control::Row row;
    row.add("name", name.name).add("state", resolvers::to_string(name.state));
    row.add("addresses", texts(name.addresses)).add("known", name.state != NameStatus::asked);
    if (!name.addresses.empty())
        row.add("expires_ms", name.expires_in).add("stale", name.state == NameStatus::stale);
    if (name.failed_family != base::Family::none) row.add("failed", base::record_type(name.failed_family));
    if (!name.last_error.empty())
        row.add("last_error", name.last_error).add("last_error_ago_ms", name.last_error_age);
    return row;
}

}  // namespace proxyd
