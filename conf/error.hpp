#pragma once

#include <string>

namespace conf {

/// One error of a configuration file. Printed as `file:line:column: path: text`.
struct Error {
    int line = 0, column = 0;  ///< from 1; 0 for the file as a whole
    std::string path;          ///< `session-acl[2].limits.idle`
    std::string text;          ///< what is wrong, what was expected, the nearest known word
};

std::string to_string(const Error& error, const std::string& file);

}  // namespace conf
