#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/session/proxy.hpp"

namespace proxies {

/// The values that `proxy:` may have.
std::vector<std::string> names();

/// A new proxy of the configured kind; called once for each worker. The loader has checked the name.
std::unique_ptr<session::Proxy> make(const conf::Config& config);

/// Whether this kind of proxy looks names up while it runs (SessionContext::resolve): then there is an APR.
bool looks_up(const std::string& name);

}  // namespace proxies
