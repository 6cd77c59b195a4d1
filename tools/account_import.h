// The file that mr-account import reads: lines NAME:HASH or NAME:HASH:SERVICES, empty lines and # comments.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom {

struct ImportedAccount {
  std::string name;
  std::string hash;  // crypt(5)
  std::uint8_t services = 0;
};

// All accounts, or what is wrong with each wrong line ("12: no hash").
std::expected<std::vector<ImportedAccount>, std::vector<std::string>> parse_import(std::string_view text);

}  // namespace mailroom
