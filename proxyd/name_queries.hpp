#pragma once

#include "proxyd/commands/queries.hpp"
#include "resolvers/config_resolver.hpp"
#include "resolvers/resolver.hpp"

namespace proxyd {

/// The command `resolve NAME`: one look-up by this process, of an address in reverse.
void add_resolve(Queries& queries, resolvers::Resolver& resolver);

/// The command `name-servers`: those that this process asks.
void add_name_servers(Queries& queries, const conf::Resolver& settings);

/// The commands `names` and `refresh [NAME]` of ACR.
void add_names(Queries& queries, const resolvers::ConfiguredNames& names,
               resolvers::ConfigResolver& config_resolver);

/// A row of the command `names`.
control::Row row_of(const resolvers::NameStatus& name);

}  // namespace proxyd
