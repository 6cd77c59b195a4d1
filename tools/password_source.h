// Where a tool takes a new password from: its options, and what becomes of them.
//
//   (nothing)            asked for at the terminal
//   --password-stdin     the first line of standard input
//   --hash HASH          a hash that authd takes (crypt(5))
//   --kerberos PRINCIPAL the password is a KDC's
//   --no-password        none: nobody can log in with one
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "tools/account_servers.h"

namespace mailroom {

enum class PasswordFrom { terminal, standard_input, hash, none };

struct PasswordSource {
  PasswordFrom from = PasswordFrom::terminal;
  std::string hash;
};

// Whether the word is one of the options, which is then taken; `value` is called where it has a value.
bool take_password_option(PasswordSource& source, std::string_view word,
                          const std::function<std::string()>& value);

// The password; empty where there is none to be read.
std::expected<std::string, std::string> read_password(const PasswordSource& source);

// Gives authd what read_password() has read, or what the options say.
AccountServers::Result<void> set_secret(AccountServers& servers, const std::string& name,
                                        const PasswordSource& source, const std::string& password);

}  // namespace mailroom
