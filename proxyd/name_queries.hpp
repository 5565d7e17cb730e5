#pragma once

#include "proxyd/queries.hpp"
#include "resolvers/name_keeper.hpp"
#include "resolvers/resolver.hpp"

namespace proxyd {

/// The command `resolve NAME`: a look-up by this process; an address is asked for its names.
void add_resolve(Queries& queries, resolvers::Resolver& resolver);

/// A row of the command `names`.
control::Row row_of(const resolvers::NameFacts& name);

}  // namespace proxyd
