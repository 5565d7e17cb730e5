#pragma once

#include "libudpserver/control/request.hpp"
#include "proxyctl/arguments.hpp"
#include "proxyctl/row.hpp"

namespace proxyctl {

extern const Option stats_options[1];

int run_show_app(Context& context, const Arguments& arguments);
int run_status(Context& context, const Arguments& arguments);
int run_stats(Context& context, const Arguments& arguments);

/// The only row of the answer, and then again and again with what changed each second, until Ctrl-C.
int show_again_and_again(Context& context, const std::string& command, const control::Args& args,
                         base::Duration interval);

/// How much each number grew each second between two pictures of the totals; a number that became smaller was
/// begun anew and has no rate.
std::vector<std::optional<double>> rates_between(const Row& before, const Row& now, base::Duration time);

}  // namespace proxyctl
