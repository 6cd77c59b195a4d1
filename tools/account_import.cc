#include "tools/account_import.h"

#include <optional>

#include "libcommon/policy/login_name.h"
#include "spool/state/services.h"

namespace mailroom {
namespace {

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t length = text.find(end);
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length == std::string_view::npos ? text.size() : length + 1);
  return taken;
}

std::expected<ImportedAccount, std::string> parse_line(std::string_view line) {
  const std::string_view name = take_until(line, ':');
  const std::string_view hash = take_until(line, ':');
  if (!policy::canonical_login_name(name)) return std::unexpected("not a name that an account can have");
  if (hash.empty()) return std::unexpected("no hash");
  const auto services = line.empty() ? state::kUsualServices : state::parse_service_words(line);
  if (!services) return std::unexpected("an unknown service");
  return ImportedAccount{std::string{name}, std::string{hash}, *services};
}

}  // namespace

std::expected<std::vector<ImportedAccount>, std::vector<std::string>> parse_import(std::string_view text) {
  std::vector<ImportedAccount> accounts;
  std::vector<std::string> problems;
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::string_view line = take_until(text, '\n');
    if (line.empty() || line.front() == '#') continue;
    auto account = parse_line(line);
    if (account) {
      accounts.push_back(std::move(*account));
    } else {
      problems.push_back(std::to_string(number) + ": " + account.error());
    }
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return accounts;
}

}  // namespace mailroom
