#include "proxyd/name_queries.hpp"

#include "resolvers/dns_question.hpp"

namespace proxyd {

namespace {

/// The parent waits two seconds for a child.
constexpr base::Duration patience{1'800};

std::vector<std::string> texts(const std::vector<base::Address>& addresses) {
    std::vector<std::string> result;
    for (const base::Address& address : addresses)
        result.push_back(base::to_string(address));
    return result;
}

resolvers::Question question_of(const std::string& name) {
    resolvers::Question question{.name = name, .timeout = patience};
    if (const auto address = base::parse_address(name)) {
        question.kind = resolvers::Question::names_of_address;
        question.address = *address;
    }
    return question;
}

control::Row row_of(const std::string& name, const resolvers::Answer& answer) {
    control::Row row;
    row.add("name", name).add("status", resolvers::to_string(answer.status));
    row.add("addresses", texts(answer.addresses)).add("names", answer.names);
    return row.add("ttl_ms", answer.ttl).add("detail", answer.detail);
}

std::vector<std::string> names_to_refresh(const control::Request& request,
                                          const resolvers::ConfigResolver& names) {
    const auto wanted = request.text("name");
    std::vector<std::string> found;
    for (const resolvers::NameFacts& name : names.facts())
        if (!wanted || resolvers::canonical_name(*wanted) == name.name) found.push_back(name.name);
    if (found.empty())
        throw control::Failure(control::Code::unknown, "no rule uses the name '" + wanted.value_or("") +
                                                           "'; `names` lists those that are used");
    return found;
}

}  // namespace

void add_resolve(Queries& queries, resolvers::Resolver& resolver) {
    queries.add("resolve",
                [&resolver](const control::Request& request, std::uint64_t, const Queries::Reply& reply) {
                    request.allow({"name"});
                    const std::string name = request.needed_text("name");
                    resolver.ask(question_of(name), [name, reply](const resolvers::Answer& answer) {
                        reply({0, row_of(name, answer).text() + "\n"});
                    });
                });
}

void add_names(Queries& queries, resolvers::ConfigResolver& names) {
    queries.add("names",
                [&names](const control::Request& request, std::uint64_t cursor, const Queries::Reply& reply) {
                    request.allow({});
                    Lines lines(cursor);
                    for (const resolvers::NameFacts& name : names.facts())
                        lines.add(row_of(name));
                    reply(lines.result());
                });
    queries.add("refresh",
                [&names](const control::Request& request, std::uint64_t, const Queries::Reply& reply) {
                    request.allow({"name"});
                    const std::size_t count = names.refresh(names_to_refresh(request, names));
                    reply({0, control::Row().add("asked", count).text() + "\n"});
                });
}

control::Row row_of(const resolvers::NameFacts& name) {
    using resolvers::NameFacts;
    control::Row row;
    row.add("name", name.name).add("state", resolvers::to_string(name.state));
    row.add("addresses", texts(name.addresses)).add("known", name.state != NameFacts::asked);
    if (!name.addresses.empty())
        row.add("expires_ms", name.expires_in).add("stale", name.state == NameFacts::stale);
    if (!name.trouble.empty()) row.add("last_error", name.trouble).add("last_error_ago_ms", name.trouble_ago);
    return row;
}

}  // namespace proxyd
