// Passwords from an operator.
#pragma once

#include <expected>
#include <string>

namespace mailroom {

// The first line of standard input, without its line end.
std::expected<std::string, std::string> read_password_line();

// Asks twice at the terminal, without echo.
std::expected<std::string, std::string> ask_for_password();

}  // namespace mailroom
