#pragma once

#include "proxyd/queries.hpp"
#include "resolvers/config_resolver.hpp"
#include "resolvers/resolver.hpp"

namespace proxyd {

/// The command `resolve NAME`: a look-up by this process; an address is asked for its names.
void add_resolve(Queries& queries, resolvers::Resolver& resolver);

/// The commands `names`, and `refresh [NAME]`: names of the configuration are asked for now.
void add_names(Queries& queries, resolvers::ConfigResolver& names);

/// A row of the command `names`.
control::Row row_of(const resolvers::NameFacts& name);

}  // namespace proxyd
