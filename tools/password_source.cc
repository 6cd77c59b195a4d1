#include "tools/password_source.h"

#include "tools/password_prompt.h"

namespace mailroom {

bool take_password_option(PasswordSource& source, std::string_view word,
                          const std::function<std::string()>& value) {
  if (word == "--password-stdin") {
    source.from = PasswordFrom::standard_input;
  } else if (word == "--no-password") {
    source.from = PasswordFrom::none;
  } else if (word == "--hash") {
    source = {PasswordFrom::hash, value()};
  } else if (word == "--kerberos") {
    source = {PasswordFrom::hash, "krb5:" + value()};
  } else {
    return false;
  }
  return true;
}

std::expected<std::string, std::string> read_password(const PasswordSource& source) {
  switch (source.from) {
  case PasswordFrom::terminal:
    return ask_for_password();
  case PasswordFrom::standard_input:
    return read_password_line();
  default:
    return "";
  }
}

AccountServers::Result<void> set_secret(AccountServers& servers, const std::string& name,
                                        const PasswordSource& source, const std::string& password) {
  switch (source.from) {
  case PasswordFrom::hash:
    return servers.set_hashes({{name, source.hash}});
  case PasswordFrom::none:
    return servers.remove_secret(name);
  default:
    return servers.set_password(name, password);
  }
}

}  // namespace mailroom
