#pragma once

#include "libudpserver/control/request.hpp"
#include "proxyctl/command.hpp"

/// Commands about the policy and about names.
namespace proxyctl {

int run_explain(Context& context, const Arguments& arguments);
int run_rules(Context& context, const Arguments& arguments);
int run_names(Context& context, const Arguments& arguments);
int run_refresh(Context& context, const Arguments& arguments);
int run_resolve(Context& context, const Arguments& arguments);

/// `from 10.1.2.3 to 10.0.1.1:53 at Mon 08:30 dscp 46` as the arguments of the request. The daemon checks the
/// values. Throws a Failure that names the word.
control::Args explain_args(const std::vector<std::string>& words);

}  // namespace proxyctl
